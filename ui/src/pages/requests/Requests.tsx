import { Page } from '../../parts/Page'

export function Requests() {
  return <Page title="Requests">{null}</Page>
}
