/** All instances that one may watch: looked for by what is in the address, and live. */
import { Button, Text } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { IconFilterOff, IconListDetails } from '@tabler/icons-react'
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'
import { definition, definitions, instances, published } from '../../api/queries'
import { PHONE } from '../../app/layout'
import { useOffer } from '../../app/offers'
import { useFollow, useRefresher } from '../../live'
import { useCalm } from '../../parts/calm'
import { Empty } from '../../parts/Empty'
import { Failure } from '../../parts/Failure'
import { Fresh } from '../../parts/Fresh'
import { More } from '../../parts/More'
import { Page } from '../../parts/Page'
import { Waiting } from '../../parts/Waiting'
import { t } from '../../texts'
import { Filters } from './Filters'
import { ProcessDiagram } from './ProcessDiagram'
import { InstanceRows } from './rows'
import { asked, type Search } from './search'

const route = getRouteApi('/instances')

export function Instances() {
  const search: Search = route.useSearch()
  const navigate = route.useNavigate()
  const phone = useMediaQuery(PHONE, undefined, { getInitialValueInEffect: false })
  const change = (part: Partial<Search>) => void navigate({ search: (before) => ({ ...before, ...part }), replace: true })
  const clear = () => void navigate({ search: {} })

  const processes = useQuery(published)
  const chosen = processes.data?.find((each) => each.name === search.definition)
  const versions = useInfiniteQuery({ ...definitions({ name: search.definition }), enabled: search.definition !== undefined && processes.data !== undefined && chosen === undefined })
  const process = chosen ?? versions.data?.pages[0]?.items[0]
  const version = search.version ?? process?.version
  const detail = useQuery({ ...definition(search.definition ?? '', version ?? 0), enabled: search.definition !== undefined && version !== undefined })
  const title = process?.title || search.definition || ''

  const options = (processes.data ?? []).map((each) => ({ value: each.name, label: each.title || each.name }))
  if (search.definition !== undefined && !options.some((option) => option.value === search.definition)) options.push({ value: search.definition, label: title })
  const steps = detail.data?.nodes.filter((node) => node.name !== '').map((node) => ({ value: node.id, label: node.name }))
  if (steps !== undefined && search.node !== undefined && !steps.some((step) => step.value === search.node)) steps.push({ value: search.node, label: search.node })

  const filtered = Object.values(search).some((value) => value !== undefined)
  useOffer(() => (filtered ? [{ id: 'clear', label: t.app.clearFilters, run: clear }] : []))
  return (
    <Page title={t.instances.title}>
      <Filters search={search} processes={options} steps={steps} phone={phone} change={change} clear={clear} />
      {search.definition !== undefined && version !== undefined && (
        <ProcessDiagram key={`${search.definition} ${version}`} name={search.definition} version={version} title={title} node={search.node} phone={phone} choose={(node) => change({ node })} />
      )}
      <Found search={search} filtered={filtered} phone={phone} clear={clear} />
    </Page>
  )
}

function Found({ search, filtered, phone, clear }: { search: Search; filtered: boolean; phone: boolean; clear: () => void }) {
  const wanted = asked(search)
  const key = JSON.stringify(wanted)
  const query = useInfiniteQuery({ ...instances(wanted), placeholderData: keepPreviousData })
  const [shown, setShown] = useState(key)
  // what was found before stays, as it was, until there is something else
  if (!query.isPlaceholderData && shown !== key) setShown(key)
  const calm = useCalm(query.data?.pages, query.isPlaceholderData ? shown : key)
  const refresher = useRefresher()
  const filter = { kinds: ['status', 'exception', 'task'], ...(search.definition === undefined ? {} : { definition: search.definition }) }
  useFollow(filter, query.data?.pages[0]?.lastEventId, () => refresher.refresh(['instances']))

  if (query.error && calm === undefined) return <Failure error={query.error} retry={() => void query.refetch()} />
  if (calm === undefined) return <Waiting />
  if (calm.rows.length === 0)
    return filtered ? (
      <Empty icon={<IconFilterOff size={26} />} title={t.instances.noneFound} action={<Button variant="default" onClick={clear}>{t.app.clearFilters}</Button>}>
        {t.instances.noneFoundHint}
      </Empty>
    ) : (
      <Empty icon={<IconListDetails size={26} />} title={t.instances.none} action={<Button component={Link} to="/start">{t.instances.start}</Button>}>
        {t.instances.noneHint}
      </Empty>
    )
  return (
    <div className={query.isPlaceholderData ? 'old' : undefined} aria-busy={query.isPlaceholderData}>
      {query.error && <Failure error={query.error} retry={() => void query.refetch()} />}
      <Fresh count={calm.fresh} show={calm.show} />
      <Text role="status" className="unseen">
        {t.instances.found(calm.rows.length, query.hasNextPage)}
      </Text>
      <InstanceRows rows={calm.rows} phone={phone} show={calm.show} />
      <More query={query} />
    </div>
  )
}
