import { Page } from '../../parts/Page'

export function Definition() {
  return <Page title="Definition">{null}</Page>
}
