/** Every process once: what is published of it, and what is being worked on. */
import { Button, Group as Row, SegmentedControl, Text, TextInput, Title } from '@mantine/core'
import { IconFilterOff, IconSearch, IconSitemap, IconUpload } from '@tabler/icons-react'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useEffect, useId, useState } from 'react'
import { definitions } from '../../api/queries'
import type { DefinitionView as Definition } from '../../api/types'
import { useMe } from '../../app/session'
import { useOffer } from '../../app/offers'
import { ActButton } from '../../parts/ActButton'
import { Ago } from '../../parts/Ago'
import { useCalm } from '../../parts/calm'
import { Empty } from '../../parts/Empty'
import { Failure } from '../../parts/Failure'
import { Fresh } from '../../parts/Fresh'
import { More } from '../../parts/More'
import { Page } from '../../parts/Page'
import { useTyped } from '../../parts/typed'
import { Waiting } from '../../parts/Waiting'
import { t } from '../../texts'
import { groups, matching, type Group } from './groups'
import { VersionBadge } from './VersionBadge'
import './definitions.css'

const route = getRouteApi('/definitions')
const STATES = ['draft', 'published', 'deprecated'] as const
const AGAIN = 15_000

export function Definitions() {
  const me = useMe()
  const { q = '', state } = route.useSearch()
  const navigate = route.useNavigate()
  const change = (part: { q?: string; state?: (typeof STATES)[number] }) => void navigate({ search: (before) => ({ ...before, ...part }), replace: true })
  const query = useInfiniteQuery({ ...definitions({ state }), placeholderData: keepPreviousData, refetchInterval: AGAIN })
  const [shown, setShown] = useState(state)
  if (!query.isPlaceholderData && shown !== state) setShown(state)
  const calm = useCalm(query.data?.pages, (query.isPlaceholderData ? shown : state) ?? '')
  const { hasNextPage, isFetching, fetchNextPage } = query
  useEffect(() => {
    // what is looked for may be in any part of the list
    if (q !== '' && hasNextPage && !isFetching) void fetchNextPage()
  }, [q, hasNextPage, isFetching, fetchNextPage])
  const found = matching(groups((calm?.rows ?? []).map((row) => row.item)), q)
  const drafts = found.filter((group) => group.drafts.length > 0)
  const others = found.filter((group) => group.drafts.length === 0)
  const toImport = () => void navigate({ to: '/definitions/import' })
  useOffer(() => (me.allowed.deploy === true ? [{ id: 'import', label: t.definitions.import, run: toImport }] : []))
  const clear = () => void navigate({ search: {} })
  const importButton =
    me.allowed.deploy === true ? (
      <Button component={Link} to="/definitions/import" leftSection={<IconUpload size={16} aria-hidden />}>
        {t.definitions.import}
      </Button>
    ) : (
      <ActButton allowed={me.allowed.deploy} leftSection={<IconUpload size={16} aria-hidden />}>
        {t.definitions.import}
      </ActButton>
    )
  return (
    <Page title={t.definitions.title} actions={importButton}>
      <div className="tools">
        <Search value={q} onChange={(next) => change({ q: next })} />
        <SegmentedControl aria-label={t.definitions.state} value={state ?? 'all'} onChange={(next) => change({ state: STATES.find((each) => each === next) })}
          data={[{ value: 'all', label: t.definitions.any }, ...STATES.map((each) => ({ value: each, label: t.definitions.states[each]! }))]} />
      </div>
      {query.error && <Failure error={query.error} retry={() => void query.refetch()} />}
      {calm === undefined && !query.error && <Waiting height={96} rows={4} />}
      {calm !== undefined && <Fresh count={calm.fresh} show={calm.show} />}
      {calm !== undefined && found.length === 0 && !isFetching && (q !== '' || state !== undefined) && (
        <Empty icon={<IconFilterOff size={26} />} title={t.definitions.noneFound} action={<Button variant="default" onClick={clear}>{t.app.clearFilters}</Button>}>
          {t.definitions.noneFoundHint}
        </Empty>
      )}
      {calm !== undefined && found.length === 0 && q === '' && state === undefined && (
        <Empty icon={<IconSitemap size={26} />} title={t.definitions.none}>
          {t.definitions.noneHint}
        </Empty>
      )}
      <Part title={t.definitions.withDrafts} found={drafts} />
      <Part title={drafts.length > 0 ? t.definitions.others : t.definitions.list} found={others} />
      <More query={query} />
    </Page>
  )
}

function Search({ value, onChange }: { value: string; onChange: (value: string | undefined) => void }) {
  const [text, type] = useTyped(value, onChange)
  return (
    <TextInput className="tools-wide" aria-label={t.definitions.search} placeholder={t.definitions.searchHint} leftSection={<IconSearch size={16} aria-hidden />} value={text}
      onChange={(event) => type(event.currentTarget.value)} />
  )
}

function Part({ title, found }: { title: string; found: Group<Definition>[] }) {
  const id = useId()
  if (found.length === 0) return null
  return (
    <section aria-labelledby={id}>
      <Title order={2} size="h3" id={id} className="section-title">
        {title}
      </Title>
      <ul className="processes">
        {found.map((group) => (
          <Process key={group.name} group={group} />
        ))}
      </ul>
    </section>
  )
}

function Process({ group: { name, title, published, drafts, newest, count } }: { group: Group<Definition> }) {
  const description = published?.description ?? newest.description
  const others = count - drafts.length - (published ? 1 : 0)
  return (
    <li className="process">
      <div>
        <Link to="/definitions/$name" params={{ name }} className="card-link covering">
          <Text fw={600} component="span">
            {title}
          </Text>
        </Link>
        <Text size="xs" c="dimmed" className="mono">
          {name}
        </Text>
      </div>
      {description && (
        <Text size="sm" className="process-words">
          {description}
        </Text>
      )}
      <Row gap={6} className="process-foot">
        {published && <VersionBadge state="published" label={`${t.app.version(published.version)} ${t.definitions.states.published}`} />}
        {!published && drafts.length === 0 && <VersionBadge state={newest.state} label={`${t.app.version(newest.version)} ${t.definitions.states[newest.state] ?? newest.state}`} />}
        {drafts.map((draft) => (
          <Link key={draft.version} to="/definitions/$name" params={{ name }} search={{ v: draft.version }} className="above version-link">
            <VersionBadge state="draft" label={t.definitions.draft(draft.version)} />
          </Link>
        ))}
        {others > 0 && (
          <Text size="xs" c="dimmed">
            {t.definitions.older(others)}
          </Text>
        )}
      </Row>
      <Text size="xs" c="dimmed">
        {t.definitions.changed}: <Ago at={newest.dateDeployed} className="above tabular" /> {t.definitions.deployed(newest.deployedBy)}
      </Text>
    </li>
  )
}
