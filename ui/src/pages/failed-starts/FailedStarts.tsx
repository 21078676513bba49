import { Page } from '../../parts/Page'

export function FailedStarts() {
  return <Page title="FailedStarts">{null}</Page>
}
