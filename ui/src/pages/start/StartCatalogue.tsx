/** What one may start, and what of it is still open. */
import { ActionIcon, Anchor, Button, Container, Group, Text, TextInput, Title } from '@mantine/core'
import { IconArrowRight, IconBolt, IconSearch, IconStar, IconStarFilled } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import type { DefinitionView as Definition } from '../../api/types'
import { instances, published } from '../../api/queries'
import { useMe } from '../../app/session'
import { useFollow, useRefresher } from '../../live'
import { Empty } from '../../parts/Empty'
import { Failure } from '../../parts/Failure'
import { Page } from '../../parts/Page'
import { RequestState } from '../../parts/StateBadge'
import { useTyped } from '../../parts/typed'
import { Waiting } from '../../parts/Waiting'
import { t } from '../../texts'
import { moment } from '../../texts/format'
import { OPEN, whereNow } from '../requests/where'
import { offered } from './find'
import { usePins } from './pins'
import './start.css'

const LATEST = 5

export function StartCatalogue() {
  const { q = '' } = useSearch({ from: '/start' })
  const navigate = useNavigate({ from: '/start' })
  const [typed, search] = useTyped(q, (text) => void navigate({ search: text ? { q: text } : {}, replace: true }))
  return (
    <Page
      title={t.start.title}
      actions={
        <TextInput type="search" aria-label={t.start.search} placeholder={t.start.lead} value={typed} onChange={(event) => search(event.currentTarget.value)}
          leftSection={<IconSearch size={16} aria-hidden />} w={{ base: '100%', xs: 300 }} />
      }
    >
      <div className="catalogue">
        <Offers q={typed} clear={() => search('')} />
        <Mine />
      </div>
    </Page>
  )
}

function Offers({ q, clear }: { q: string; clear: () => void }) {
  const me = useMe()
  const { pinned, toggle } = usePins(me.name)
  const query = useQuery(published)
  if (query.isError && query.data === undefined) return <Failure error={query.error} retry={() => void query.refetch()} />
  if (query.data === undefined) return <Waiting rows={3} height={150} />
  const found = offered(query.data, q, pinned)
  if (found.length === 0)
    return q.trim() === '' ? (
      <Empty icon={<IconBolt size={28} />} title={t.start.nothing}>{t.start.nothingHint}</Empty>
    ) : (
      <Empty icon={<IconSearch size={28} />} title={t.start.noMatch} action={<Button variant="default" onClick={clear}>{t.app.clearFilters}</Button>}>
        {t.start.noMatchHint(q.trim())}
      </Empty>
    )
  return (
    <div>
      <div role="status" className="unseen">{q.trim() !== '' && t.start.found(found.length)}</div>
      <ul className="offers">
        {found.map((each) => (
          <Offer key={each.name} definition={each} pinned={pinned.has(each.name)} toggle={() => toggle(each.name)} />
        ))}
      </ul>
    </div>
  )
}

function Offer({ definition: { name, title, description }, pinned, toggle }: { definition: Definition; pinned: boolean; toggle: () => void }) {
  return (
    <li className="offer">
      <div className="offer-head">
        <Title order={2} className="offer-title">
          <Link to="/start/$name" params={{ name }} className="card-link covering">{title}</Link>
        </Title>
        <ActionIcon variant="subtle" color={pinned ? 'yellow' : 'gray'} size={36} onClick={toggle} aria-pressed={pinned} aria-label={t.start.pin(title)} className="offer-pin">
          {pinned ? <IconStarFilled size={18} aria-hidden /> : <IconStar size={18} aria-hidden />}
        </ActionIcon>
      </div>
      {description && <Text size="sm" c="dimmed" lineClamp={3}>{description}</Text>}
      <div className="offer-begin" aria-hidden>
        <Button component="span" variant="light" rightSection={<IconArrowRight size={16} />}>{t.start.begin}</Button>
      </div>
    </li>
  )
}

function Mine() {
  const me = useMe()
  const refresher = useRefresher()
  const query = useInfiniteQuery(instances({ startedBy: me.name, status: OPEN }))
  useFollow({ kinds: ['status', 'task', 'exception'] }, query.data?.pages[0]?.lastEventId, () => refresher.refresh(['instances']))
  const latest = query.data?.pages[0]?.items.slice(0, LATEST)
  return (
    <section aria-labelledby="my-open">
      <Title order={2} id="my-open">{t.start.mine}</Title>
      {query.isError && latest === undefined && <Failure error={query.error} retry={() => void query.refetch()} />}
      {latest === undefined && !query.isError && <Waiting rows={3} height={48} />}
      {latest?.length === 0 && <Text size="sm" c="dimmed" py="sm">{t.start.none}</Text>}
      {latest !== undefined && latest.length > 0 && (
        <ul className="mine">
          {latest.map((item) => (
            <li key={item.id}>
              <Group justify="space-between" wrap="nowrap" gap="xs">
                <Link to="/requests/$id" params={{ id: item.id }} className="card-link covering">
                  <Text span size="sm" fw={600}>{item.processTitle}</Text>
                </Link>
                <RequestState state={item.state} stuck={item.exceptions > 0} />
              </Group>
              <Text size="sm" c="dimmed" truncate>
                {[item.businessKey ?? moment(item.dateStarted), whereNow(item)].filter(Boolean).join(' · ')}
              </Text>
            </li>
          ))}
        </ul>
      )}
      <Container p={0} pt="sm">
        <Anchor component={Link} to="/requests" size="sm" underline="always">{t.start.allMine}</Anchor>
      </Container>
    </section>
  )
}
