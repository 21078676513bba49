import { Page } from '../../parts/Page'

export function StartForm() {
  return <Page title="StartForm">{null}</Page>
}
