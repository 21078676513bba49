/** The end of a list: the next part, if there is one. */
import { Button, Center } from '@mantine/core'
import { t } from '../texts'

type Query = { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown }

export function More({ query }: { query: Query }) {
  if (!query.hasNextPage) return null
  return (
    <Center py="md">
      <Button variant="default" loading={query.isFetchingNextPage} onClick={() => query.fetchNextPage()}>
        {t.app.loadMore}
      </Button>
    </Center>
  )
}
