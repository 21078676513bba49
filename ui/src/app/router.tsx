/** The addresses. What is looked at is in the path, how it is looked at in the query; what is not known there is left alone. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { Failure } from '../parts/Failure'
import { NotFound } from './NotFound'
import { Shell } from './Shell'

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined)
const count = (value: unknown): number | undefined => (Number.isInteger(Number(value)) && Number(value) > 0 ? Number(value) : undefined)
/** Every key may be left out. */
const optional = <T extends object>(found: T): Partial<T> => found
const one = <T extends string>(value: unknown, of: readonly T[]): T | undefined => of.find((each) => each === value)

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: ({ error }) => <Failure error={error} /> })

const home = createRoute({ getParentRoute: () => root, path: '/', beforeLoad: () => { throw redirect({ to: '/tasks' }) } })

const start = createRoute({
  getParentRoute: () => root, path: '/start',
  validateSearch: (given: Record<string, unknown>) => optional({ q: text(given.q) }),
  component: lazyRouteComponent(() => import('../pages/start/StartCatalogue'), 'StartCatalogue'),
})
const startForm = createRoute({
  getParentRoute: () => root, path: '/start/$name',
  validateSearch: (given: Record<string, unknown>) => ({ ...given, at: text(given.at), failed: text(given.failed), from: text(given.from) }) as { at?: string; failed?: string; from?: string },
  component: lazyRouteComponent(() => import('../pages/start/StartForm'), 'StartForm'),
})

export const SCOPES = ['mine', 'free', 'all'] as const
const tasks = createRoute({
  getParentRoute: () => root, path: '/tasks',
  validateSearch: (given: Record<string, unknown>) => optional({ scope: one(given.scope, SCOPES), sort: one(given.sort, ['due', 'newest'] as const), q: text(given.q) }),
  component: lazyRouteComponent(() => import('../pages/tasks/Tasks'), 'Tasks'),
})
const task = createRoute({ getParentRoute: () => root, path: '/tasks/$id', component: lazyRouteComponent(() => import('../pages/tasks/TaskPage'), 'TaskPage') })

const requests = createRoute({ getParentRoute: () => root, path: '/requests', component: lazyRouteComponent(() => import('../pages/requests/Requests'), 'Requests') })
const request = createRoute({ getParentRoute: () => root, path: '/requests/$id', component: lazyRouteComponent(() => import('../pages/requests/Request'), 'Request') })

const instances = createRoute({
  getParentRoute: () => root, path: '/instances',
  validateSearch: (given: Record<string, unknown>) => optional({
    q: text(given.q), definition: text(given.definition), status: text(given.status), node: text(given.node), by: text(given.by),
    from: text(given.from), to: text(given.to), parent: text(given.parent), version: count(given.version),
  }),
  component: lazyRouteComponent(() => import('../pages/instances/Instances'), 'Instances'),
})

export const TABS = ['variables', 'tokens', 'subprocesses', 'exceptions', 'waits', 'audit'] as const
export type Tab = (typeof TABS)[number]
const status = createRoute({
  getParentRoute: () => root, path: '/instances/$id',
  validateSearch: (given: Record<string, unknown>) => optional({ tab: one(given.tab, TABS), node: text(given.node), token: text(given.token), at: count(given.at), view: one(given.view, ['list'] as const) }),
  component: lazyRouteComponent(() => import('../pages/status/Status'), 'Status'),
})

const failedStarts = createRoute({ getParentRoute: () => root, path: '/failed-starts', component: lazyRouteComponent(() => import('../pages/failed-starts/FailedStarts'), 'FailedStarts') })

const definitions = createRoute({
  getParentRoute: () => root, path: '/definitions',
  validateSearch: (given: Record<string, unknown>) => optional({ q: text(given.q), state: one(given.state, ['draft', 'published', 'deprecated'] as const) }),
  component: lazyRouteComponent(() => import('../pages/definitions/Definitions'), 'Definitions'),
})
const importPage = createRoute({ getParentRoute: () => root, path: '/definitions/import', component: lazyRouteComponent(() => import('../pages/definitions/Import'), 'Import') })
const definition = createRoute({
  getParentRoute: () => root, path: '/definitions/$name',
  validateSearch: (given: Record<string, unknown>) => optional({ v: count(given.v), node: text(given.node), tab: one(given.tab, ['versions', 'steps', 'access', 'data', 'xml'] as const), view: one(given.view, ['list'] as const) }),
  component: lazyRouteComponent(() => import('../pages/definitions/Definition'), 'Definition'),
})

const short = (path: string, to: string) => createRoute({ getParentRoute: () => root, path, beforeLoad: ({ params }) => { throw redirect({ to: to.replace('$id', (params as { id: string }).id) }) } })

export const router = createRouter({
  routeTree: root.addChildren([
    home, start, startForm, tasks, task, requests, request, instances, status, failedStarts, definitions, importPage, definition,
    short('/i/$id', '/instances/$id'), short('/t/$id', '/tasks/$id'), short('/d/$id', '/definitions/$id'), short('/login', '/tasks'),
  ]),
  defaultPreload: 'intent',
  defaultPreloadDelay: 80,
  scrollRestoration: true,
  defaultPendingMs: 300,
  defaultErrorComponent: ({ error, reset }) => <Failure error={error} retry={reset} />,
  defaultNotFoundComponent: NotFound,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
