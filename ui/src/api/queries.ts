/** What can be asked of the server, each with the key under which its answer is kept. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { call, path, type Query } from './client'
import type { AuditView, DefinitionDetail as Detail, DefinitionView as Definition, ExceptionView, FailedStartView, HistoryView, InstanceSummary as Summary, InstanceView as Instance, MeView, ProgressView, TaskFormView as TaskForm, TaskView as Task, TokenView, UserView } from './types'

export type Page<T> = { items: T[]; next: string | null; lastEventId?: string }

const PAGE = 50

/** A list in parts: the next part is asked for with the cursor of the one before. */
function pages<T>(key: readonly unknown[], address: string, query: Query = {}) {
  return infiniteQueryOptions({
    queryKey: [...key, query],
    queryFn: ({ signal, pageParam }) => call<Page<T>>('GET', address, { query: { limit: PAGE, ...query, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  })
}

export const me = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => call<MeView>('GET', '/api/auth/me', { signal }),
})

export type TaskScope = 'mine' | 'free' | 'all'
export type TaskSearch = { scope: TaskScope; sort?: 'newest' | 'due'; q?: string; definition?: string; instance?: string }

export const tasks = (search: TaskSearch) => pages<Task>(['tasks'], '/api/tasks', search)

/** How many tasks there are, up to a hundred. */
export const taskCount = (scope: TaskScope) =>
  queryOptions({
    queryKey: ['tasks', 'count', scope],
    queryFn: async ({ signal }) => {
      const page = await call<Page<Task>>('GET', '/api/tasks', { query: { scope, limit: 100 }, signal })
      return { count: page.items.length, more: page.next !== null, lastEventId: page.lastEventId }
    },
  })

export const task = (id: string) =>
  queryOptions({ queryKey: ['task', id], queryFn: ({ signal }) => call<Task>('GET', path`/api/tasks/${id}`, { signal }) })

export const taskForm = (id: string) =>
  queryOptions({
    queryKey: ['task', id, 'form'],
    queryFn: ({ signal }) => call<TaskForm>('GET', path`/api/tasks/${id}/form`, { signal }),
  })

/** To whom a task can be given. */
export const assignees = (task: string) =>
  queryOptions({
    queryKey: ['task', task, 'assignees'],
    queryFn: ({ signal }) => call<Page<UserView>>('GET', '/api/users', { query: { task, limit: 200 }, signal }),
  })

export type InstanceSearch = {
  definition?: string
  version?: number
  status?: string
  businessKey?: string
  startedAfter?: string
  startedBefore?: string
  startedBy?: string
  parent?: string
  node?: string
  exceptions?: boolean
  q?: string
}

export const instances = (search: InstanceSearch) => pages<Summary>(['instances'], '/api/instances', search)

export const instance = (id: string) =>
  queryOptions({ queryKey: ['instance', id], queryFn: ({ signal }) => call<Instance>('GET', path`/api/instances/${id}`, { signal }) })

/** The instance as it was at a position of its history: that never changes. */
export const instanceAt = (id: string, at: number) =>
  queryOptions({
    queryKey: ['instance-at', id, at],
    queryFn: ({ signal }) => call<Instance>('GET', path`/api/instances/${id}/state`, { query: { at }, signal }),
    staleTime: Infinity,
  })

export const progress = (id: string) =>
  queryOptions({
    queryKey: ['instance', id, 'progress'],
    queryFn: ({ signal }) => call<ProgressView>('GET', path`/api/instances/${id}/progress`, { signal }),
  })

/** Events that say where tokens went and what failed: what a diagram is coloured by. */
export const PATH_KINDS = 'token-created,token-advanced,token-ended,join-fired,incident-raised,incident-resolved'

/** The history of an instance: only its end is asked for again. */
export const history = (id: string) =>
  queryOptions<HistoryView[]>({
    queryKey: ['instance', id, 'history'],
    queryFn: async ({ signal, client, queryKey }) => {
      const entries = [...(client.getQueryData<HistoryView[]>(queryKey) ?? [])]
      for (;;) {
        const after = entries.at(-1)?.position ?? 0
        const page = await call<Page<HistoryView>>('GET', path`/api/instances/${id}/history`, { query: { after, kinds: PATH_KINDS, limit: 1000 }, signal })
        entries.push(...page.items)
        if (page.next === null) return entries
      }
    },
  })

export const tokens = (id: string) =>
  queryOptions({
    queryKey: ['instance', id, 'tokens'],
    queryFn: ({ signal }) => call<Page<TokenView>>('GET', path`/api/instances/${id}/tokens`, { signal }),
  })

export const exceptions = (id: string) => pages<ExceptionView>(['instance', id, 'exceptions'], path`/api/instances/${id}/exceptions`)

export const audit = (id: string) => pages<AuditView>(['instance', id, 'audit'], path`/api/instances/${id}/audit`)

export const failedStarts = () => pages<FailedStartView>(['failed-starts'], '/api/failed-starts')

export const definitions = (search: { state?: string; name?: string } = {}) => pages<Definition>(['definitions'], '/api/definitions', search)

/** Everything that can be started, and what can be filtered by: all of it, since people look through it. */
export const published = queryOptions({
  queryKey: ['definitions', 'published'],
  queryFn: async ({ signal }) => {
    const found: Definition[] = []
    let cursor: string | null = null
    do {
      const page: Page<Definition> = await call('GET', '/api/definitions', { query: { state: 'published', limit: 200, cursor }, signal })
      found.push(...page.items)
      cursor = page.next
    } while (cursor !== null)
    return found
  },
  staleTime: 60_000,
})

/** A version never changes but for its state. */
export const definition = (name: string, version: number) =>
  queryOptions({
    queryKey: ['definition', name, version],
    queryFn: ({ signal }) => call<Detail>('GET', path`/api/definitions/${name}/versions/${version}`, { signal }),
  })

export const definitionXml = (name: string, version: number) =>
  queryOptions({
    queryKey: ['definition', name, version, 'xml'],
    queryFn: ({ signal }) => call<string>('GET', path`/api/definitions/${name}/versions/${version}/xml`, { signal }),
    staleTime: Infinity,
  })
