import { Page } from '../../parts/Page'

export function StartCatalogue() {
  return <Page title="StartCatalogue">{null}</Page>
}
