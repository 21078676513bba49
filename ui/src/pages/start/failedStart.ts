/** One of the starts that were refused. */
import { queryOptions } from '@tanstack/react-query'
import { call } from '../../api/client'
import { isObject } from '../../api/json'
import type { Page } from '../../api/queries'
import type { FailedStartView } from '../../api/types'

const PAGE = 200
/** Older ones are not looked for: nobody mends a start that was refused so long ago. */
const PAGES = 20

/** What was sent with it; null: it is not there any more. */
export const failedStartData = (id: string) =>
  queryOptions({
    queryKey: ['failed-starts', 'one', id],
    queryFn: async ({ signal }) => {
      let cursor: string | null = null
      for (let read = 0; read < PAGES; read += 1) {
        const page: Page<FailedStartView> = await call('GET', '/api/failed-starts', { query: { limit: PAGE, cursor }, signal })
        const found = page.items.find((item) => item.id === id)
        if (found !== undefined) return { ...(isObject(found.data) ? found.data : {}), ...present({ startCondition: found.startCondition, businessKey: found.businessKey }) }
        cursor = page.next
        if (cursor === null) return null
      }
      return null
    },
    staleTime: Infinity,
  })

function present(given: Record<string, string | null | undefined>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null && value !== undefined))
}
