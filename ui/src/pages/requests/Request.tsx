import { Page } from '../../parts/Page'

export function Request() {
  return <Page title="Request">{null}</Page>
}
