import { Page } from '../../parts/Page'

export function Instances() {
  return <Page title="Instances">{null}</Page>
}
