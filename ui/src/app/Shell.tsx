/** What is around every page: where one can go, who one is, and whether what is seen is live. */
import { Alert, Badge, Group, Kbd, NavLink, Text, UnstyledButton } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { IconDots, IconSearch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useState, useSyncExternalStore } from 'react'
import { taskCount } from '../api/queries'
import { useFollow, useLiveSince, useLiveStatus, useRefresher } from '../live'
import { Hint } from '../parts/Hint'
import { Mark } from '../parts/Mark'
import { t } from '../texts'
import { moment } from '../texts/format'
import { AccountButton } from './AccountButton'
import { Keys } from './Keys'
import { PHONE } from './layout'
import { apiDescription, entries, type Entry } from './nav'
import { openPalette, PageActions, usePaletteState } from './offers'
import { askAgain, useMe } from './session'
import { toast, Toasts, toastsWanted } from './toast'

const Palette = lazy(() => import('./Palette'))
const AccountMenu = lazy(() => import('./AccountMenu'))
const MoreMenu = lazy(() => import('./MoreMenu'))

export function Shell() {
  const me = useMe()
  const [menu, setMenu] = useState(false)
  const palette = usePaletteState()
  const toasts = useSyncExternalStore(toastsWanted.watch, toastsWanted.get)
  const path = useRouterState({ select: (state) => state.location.pathname })
  const phone = useMediaQuery(PHONE) ?? false
  const found = entries(me)
  const groups = (['work', 'monitor', 'build'] as const).map((group) => ({ group, entries: found.filter((entry) => entry.group === group) })).filter((each) => each.entries.length)
  useEndOfSession()
  const count = useTaskCount()
  const closeMenu = () => setMenu(false)

  const list = groups.map(({ group, entries }) => (
    <div key={group} role="group" aria-label={t.app.nav[group]}>
      <Text size="xs" fw={600} c="dimmed" tt="uppercase" px="sm" pt="sm" pb={4} aria-hidden>
        {t.app.nav[group]}
      </Text>
      {entries.map((entry) => (
        <Entrance key={entry.to} entry={entry} path={path} count={entry.to === '/tasks' ? count : undefined} onClick={closeMenu} />
      ))}
    </div>
  ))

  return (
    <PageActions>
      <div className="shell">
        <a className="skip-link" href="#main">
          {t.app.skip}
        </a>
        <header className="bar">
          <Link to="/" className="brand" aria-label={t.app.name}>
            <Mark size={26} />
            <Text fw={700} visibleFrom="xs" aria-hidden>
              {t.app.name}
            </Text>
          </Link>
          <UnstyledButton className="search" onClick={openPalette} aria-keyshortcuts="Control+K" aria-label={t.app.search}>
            <IconSearch size={16} aria-hidden />
            <span data-truncate>{t.app.search}</span>
            <Kbd size="xs" visibleFrom="sm">
              {t.app.searchKey}
            </Kbd>
          </UnstyledButton>
          <Group gap="xs" wrap="nowrap">
            <LiveBadge />
            <Account />
          </Group>
        </header>
        {!phone && (
          <nav className="side" aria-label={t.app.main}>
            {list}
            <NavLink mt="auto" component="a" href={apiDescription.href} label={apiDescription.label} leftSection={<apiDescription.icon size={18} stroke={1.6} aria-hidden />} c="dimmed" className="entrance" />
          </nav>
        )}
        <main id="main" tabIndex={-1}>
          <OfflineBanner />
          <Outlet />
        </main>
        {phone && (
          <nav aria-label={t.app.main} className="tabs">
            {found.slice(0, 3).map((entry) => (
              <Link key={entry.to} to={entry.to} className="tab" aria-current={isAt(path, entry.to) ? 'page' : undefined}>
                <span className="tab-icon">
                  <entry.icon size={22} stroke={1.6} aria-hidden />
                  {entry.to === '/tasks' && <Count count={count} />}
                </span>
                {entry.label}
              </Link>
            ))}
            <UnstyledButton className="tab" onClick={() => setMenu(true)} aria-haspopup="dialog">
              <IconDots size={22} stroke={1.6} aria-hidden />
              {t.app.more}
            </UnstyledButton>
          </nav>
        )}
      </div>
      <Suspense>
        {menu && <MoreMenu close={closeMenu}>{list}</MoreMenu>}
        {palette && <Palette entries={found} />}
        {toasts && <Toasts />}
      </Suspense>
      <Keys entries={found} />
    </PageActions>
  )
}

function isAt(path: string, to: string): boolean {
  return path === to || path.startsWith(`${to}/`)
}

function Entrance({ entry, path, count, onClick }: { entry: Entry; path: string; count?: TaskCount; onClick: () => void }) {
  const active = isAt(path, entry.to)
  return (
    <NavLink component={Link} to={entry.to} label={entry.label} onClick={onClick} active={active} aria-current={active ? 'page' : undefined}
      leftSection={<entry.icon size={18} stroke={1.6} aria-hidden />} rightSection={<Count count={count} />} className="entrance" />
  )
}

type TaskCount = { count: number; more: boolean } | undefined

function Count({ count }: { count: TaskCount }) {
  if (!count?.count) return null
  return (
    <Badge size="sm" variant="filled" className="count tabular">
      {count.more ? `${count.count}+` : count.count}
    </Badge>
  )
}

/** How many tasks one has, live; every list of tasks is read again with it. */
function useTaskCount(): TaskCount {
  const refresher = useRefresher()
  const { data } = useQuery(taskCount('mine'))
  useFollow({ tasks: 'mine' }, data?.lastEventId, () => refresher.refresh(['tasks']))
  return data
}

function LiveBadge() {
  const status = useLiveStatus()
  const color = status === 'live' ? 'green' : status === 'offline' ? 'red' : 'yellow'
  return (
    <Hint label={t.app.live.explain[status]}>
      <Badge variant="dot" color={color} size="md" tt="none" role="status" data-live={status} className="live">
        {t.app.live[status]}
      </Badge>
    </Hint>
  )
}

function OfflineBanner() {
  const status = useLiveStatus()
  const since = useLiveSince()
  return status === 'offline' ? (
    <Alert color="yellow" variant="light" radius={0} py="xs" role="alert">
      {t.app.live.banner(moment(since))}
    </Alert>
  ) : null
}

/** Loaded when it is opened for the first time. */
function Account() {
  const me = useMe()
  const [wanted, setWanted] = useState(false)
  const button = <AccountButton name={me.name} aria-expanded={false} onClick={() => setWanted(true)} />
  return wanted ? <Suspense fallback={button}><AccountMenu /></Suspense> : button
}

const WARNING = 5
/** Timers cannot wait longer. */
const LONGEST_TIMER = 2 ** 31 - 1

/** Say before a session ends, so that one can go on without a break. */
function useEndOfSession(): void {
  const { expires } = useMe()
  useEffect(() => {
    if (expires === null) return
    const left = new Date(expires).getTime() - Date.now() - WARNING * 60_000
    const timer = setTimeout(() => {
      const hide = toast({
        autoClose: false,
        color: 'yellow',
        title: t.app.lastsUntil(WARNING),
        message: (
          <UnstyledButton className="link" onClick={() => { hide(); askAgain() }}>
            {t.app.stay}
          </UnstyledButton>
        ),
      })
    }, Math.min(Math.max(left, 0), LONGEST_TIMER))
    return () => clearTimeout(timer)
  }, [expires])
}

