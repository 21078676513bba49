import { Page } from '../../parts/Page'

export function Status() {
  return <Page title="Status">{null}</Page>
}
