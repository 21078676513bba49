/** What one has started: how far it is, and where it is now. */
import { Button, Group, SegmentedControl, Text } from '@mantine/core'
import { IconBolt, IconMessages } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import type { InstanceSummary as Summary } from '../../api/types'
import { instances } from '../../api/queries'
import { useMe } from '../../app/session'
import { useFollow, useRefresher } from '../../live'
import { Ago } from '../../parts/Ago'
import { useCalm } from '../../parts/calm'
import { Empty } from '../../parts/Empty'
import { Failure } from '../../parts/Failure'
import { Fresh } from '../../parts/Fresh'
import { More } from '../../parts/More'
import { Page } from '../../parts/Page'
import { RequestState } from '../../parts/StateBadge'
import { Waiting } from '../../parts/Waiting'
import { t } from '../../texts'
import { moment } from '../../texts/format'
import './requests.css'
import { ENDED, OPEN, whereNow } from './where'

type Show = 'open' | 'finished'

export function Requests() {
  const { show = 'open' } = useSearch({ from: '/requests' })
  const navigate = useNavigate({ from: '/requests' })
  const change = (value: string) => void navigate({ search: value === 'finished' ? { show: value } : {}, replace: true })
  return (
    <Page
      title={t.requests.title}
      actions={
        <Button component={Link} to="/start" leftSection={<IconBolt size={16} aria-hidden />}>
          {t.requests.start}
        </Button>
      }
      bar={
        <Group px={{ base: 16, xs: 20 }} pb="sm">
          <SegmentedControl aria-label={t.requests.show} value={show} onChange={change} data={[{ value: 'open', label: t.requests.open }, { value: 'finished', label: t.requests.finished }]} />
        </Group>
      }
    >
      <RequestList key={show} show={show} />
    </Page>
  )
}

function RequestList({ show }: { show: Show }) {
  const me = useMe()
  const refresher = useRefresher()
  const query = useInfiniteQuery(instances({ startedBy: me.name, status: show === 'open' ? OPEN : ENDED }))
  const calm = useCalm(query.data?.pages, show)
  const shown = new Set(calm?.rows.map((row) => row.item.id))
  useFollow({ kinds: ['status', 'task', 'exception'] }, query.data?.pages[0]?.lastEventId, ({ event, data }) => {
    if (event === 'status' || shown.has(data.instance)) refresher.refresh(['instances'])
  })
  if (query.isError && calm === undefined) return <Failure error={query.error} retry={() => void query.refetch()} />
  if (calm === undefined) return <Waiting height={60} />
  if (calm.rows.length === 0)
    return (
      <Empty icon={<IconMessages size={28} />} title={show === 'open' ? t.requests.noneOpen : t.requests.noneFinished}
        action={show === 'open' && <Button component={Link} to="/start" variant="default">{t.requests.start}</Button>}>
        {show === 'open' ? t.requests.noneOpenHint : t.requests.noneFinishedHint}
      </Empty>
    )
  return (
    <>
      <Fresh count={calm.fresh} show={calm.show} />
      <ul className="requests">
        {calm.rows.map(({ item, gone }) => (
          <RequestRow key={item.id} item={item} gone={gone} />
        ))}
      </ul>
      <More query={query} />
    </>
  )
}

function RequestRow({ item, gone }: { item: Summary; gone: boolean }) {
  return (
    <li className="request" data-gone={gone || undefined}>
      <div>
        <Link to="/requests/$id" params={{ id: item.id }} className="card-link covering">
          <Text span fw={600}>{item.processTitle ?? item.processDefinitionName}</Text>
        </Link>
        <Text size="sm" c="dimmed" truncate>
          {item.businessKey ?? moment(item.dateStarted)}
        </Text>
      </div>
      <Group gap={8} wrap="wrap">
        {!gone && <RequestState state={item.state} stuck={item.exceptions > 0} />}
        <Text size="sm">{gone ? t.requests.moved : whereNow(item)}</Text>
      </Group>
      <Text size="sm" c="dimmed" className="request-times">
        {item.dateEnded === null ? t.requests.startedAgo : t.requests.endedAgo} <Ago at={item.dateEnded ?? item.dateStarted} as="away" />
      </Text>
    </li>
  )
}
