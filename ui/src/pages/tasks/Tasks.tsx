import { Page } from '../../parts/Page'

export function Tasks() {
  return <Page title="Tasks">{null}</Page>
}
