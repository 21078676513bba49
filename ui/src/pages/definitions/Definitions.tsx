import { Page } from '../../parts/Page'

export function Definitions() {
  return <Page title="Definitions">{null}</Page>
}
