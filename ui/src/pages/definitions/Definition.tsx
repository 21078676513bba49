/** A version of a process: its drawing, what is in it, and what can be done with it. */
import '@mantine/core/styles/Tabs.css'
import { Button, CloseButton, Group, Select, Tabs, Text, Title } from '@mantine/core'
import { IconArchive, IconBolt, IconDownload, IconRocket } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import type { DefinitionView as Version, DefinitionDetail as Detail } from '../../api/types'
import { Problem } from '../../api/problem'
import { definition, definitions, definitionXml } from '../../api/queries'
import { useOffer } from '../../app/offers'
import { toast } from '../../app/toast'
import { NO_MARKS } from '../../diagram/marks'
import { stepName } from '../../diagram/words'
import { ActButton } from '../../parts/ActButton'
import { Failure } from '../../parts/Failure'
import { Page } from '../../parts/Page'
import { Waiting } from '../../parts/Waiting'
import { t } from '../../texts'
import { ChangeDialog, type Change } from './change'
import { standard } from './groups'
import { Access, Data, StepFacts, Steps, Versions, Xml } from './panels'
import { save } from './save'
import { VersionBadge } from './VersionBadge'
import './definitions.css'

const Diagram = lazy(() => import('../../diagram/Diagram'))
const route = getRouteApi('/definitions/$name')
const TABS = ['versions', 'steps', 'access', 'data', 'xml'] as const
type Tab = (typeof TABS)[number]

const crumbs = [{ label: t.definitions.title, to: '/definitions' }]

export function Definition() {
  const { name } = route.useParams()
  const { v } = route.useSearch()
  const query = useInfiniteQuery({ ...definitions({ name }), refetchOnWindowFocus: 'always' })
  const versions = query.data?.pages.flatMap((page) => page.items) ?? []
  const version = v ?? standard(versions)?.version
  const detail = useQuery({ ...definition(name, version ?? 0), enabled: version !== undefined, refetchOnWindowFocus: 'always' })

  if (detail.data !== undefined) return <Shown detail={detail.data} versions={versions} query={query} />
  const error = detail.error ?? query.error ?? (query.isSuccess && version === undefined ? new Problem({ status: 404, title: t.app.failure.notFound }) : null)
  return (
    <Page title={versions[0]?.title || name} crumbs={crumbs}>
      {error ? <Failure error={error} retry={() => void (detail.error ? detail.refetch() : query.refetch())} /> : <Waiting height={80} />}
    </Page>
  )
}

type ShownProps = { detail: Detail; versions: Version[]; query: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown } }

function Shown({ detail, versions, query }: ShownProps) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const client = useQueryClient()
  const [wanted, setWanted] = useState<Change>()
  const [loading, setLoading] = useState(false)
  const words = t.definitions.one
  const { name, version } = detail
  const title = detail.title || name
  const tab: Tab = search.tab ?? 'versions'
  const choose = (node: string | undefined) => void navigate({ search: (before) => ({ ...before, node }), replace: true, resetScroll: false })
  const node = detail.nodes.find((each) => each.id === search.node)

  const download = async () => {
    setLoading(true)
    try {
      save(await client.fetchQuery(definitionXml(name, version)), detail.file || `${name}.bpmn`)
    } catch (error) {
      toast({ color: 'red', title: words.downloadFailed, message: error instanceof Error ? error.message : String(error) })
    } finally {
      setLoading(false)
    }
  }
  useOffer(() => [
    ...(detail.allowed.start === true ? [{ id: 'start', label: words.start, run: () => void navigate({ to: '/start/$name', params: { name } }) }] : []),
    ...(detail.allowed.publish === true ? [{ id: 'publish', label: words.publish, run: () => setWanted('publish') }] : []),
    ...(detail.allowed.deprecate === true ? [{ id: 'deprecate', label: words.deprecate, run: () => setWanted('deprecate') }] : []),
    { id: 'download', label: words.download, run: () => void download() },
  ])

  const options = (versions.some((each) => each.version === version) ? versions : [detail, ...versions]).map((each) => ({ value: String(each.version), label: t.definitions.version(each.version, t.definitions.states[each.state] ?? each.state) }))
  const startIcon = <IconBolt size={16} aria-hidden />
  return (
    <Page
      title={title}
      crumbs={crumbs}
      facts={
        <>
          <Text size="sm" c="dimmed" className="mono">
            {name}
          </Text>
          <Select aria-label={words.version} data={options} value={String(version)} allowDeselect={false} size="xs" w={160} comboboxProps={{ width: 'max-content', position: 'bottom-start' }}
            onChange={(next) => void navigate({ search: (before) => ({ ...before, v: Number(next), node: undefined }) })} />
          <VersionBadge state={detail.state} />
        </>
      }
      actions={
        <>
          {detail.allowed.start === true ? (
            <Button leftSection={startIcon} renderRoot={(props) => <Link to="/start/$name" params={{ name }} {...props} />}>
              {words.start}
            </Button>
          ) : (
            <ActButton allowed={detail.allowed.start} leftSection={startIcon}>
              {words.start}
            </ActButton>
          )}
          <ActButton allowed={detail.allowed.publish} variant="default" leftSection={<IconRocket size={16} aria-hidden />} onClick={() => setWanted('publish')}>
            {words.publish}
          </ActButton>
          <ActButton allowed={detail.allowed.deprecate} variant="default" leftSection={<IconArchive size={16} aria-hidden />} onClick={() => setWanted('deprecate')}>
            {words.deprecate}
          </ActButton>
          <Button variant="default" loading={loading} leftSection={<IconDownload size={16} aria-hidden />} onClick={() => void download()}>
            {words.download}
          </Button>
        </>
      }
    >
      {detail.description && (
        <Text size="sm" maw={820} className="definition-words">
          {detail.description}
        </Text>
      )}
      <div className="definition-view" data-card={node ? true : undefined}>
        <div className="definition-canvas">
          <Drawing detail={detail} title={title} selected={node?.id} choose={choose} list={search.view === 'list'} onList={(list) => void navigate({ search: (before) => ({ ...before, view: list ? 'list' : undefined }), replace: true, resetScroll: false })} />
        </div>
        {node && (
          <aside className="node-card" aria-label={words.stepCard}>
            <Group justify="space-between" wrap="nowrap" align="start" mb="xs">
              <Title order={2}>{stepName(node)}</Title>
              <CloseButton aria-label={words.closeCard} onClick={() => choose(undefined)} />
            </Group>
            <StepFacts detail={detail} node={node} />
          </aside>
        )}
      </div>
      <Tabs value={tab} keepMounted={false} onChange={(next) => void navigate({ search: (before) => ({ ...before, tab: TABS.find((each) => each === next) }), replace: true, resetScroll: false })}>
        <Tabs.List px="lg" className="parts" aria-label={words.parts}>
          {TABS.map((each) => (
            <Tabs.Tab key={each} value={each}>
              {words.tabs[each]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="versions" className="panel">
          <Versions versions={versions} shown={version} query={query} />
        </Tabs.Panel>
        <Tabs.Panel value="steps" className="panel">
          <Steps detail={detail} choose={(id) => { choose(id); document.querySelector('.definition-view')?.scrollIntoView({ block: 'center' }) }} />
        </Tabs.Panel>
        <Tabs.Panel value="access" className="panel">
          <Access detail={detail} />
        </Tabs.Panel>
        <Tabs.Panel value="data" className="panel">
          <Data detail={detail} />
        </Tabs.Panel>
        <Tabs.Panel value="xml" className="panel">
          <Xml name={name} version={version} />
        </Tabs.Panel>
      </Tabs>
      <ChangeDialog wanted={wanted && { change: wanted, version: detail }} close={() => setWanted(undefined)} />
    </Page>
  )
}

type DrawingProps = { detail: Detail; title: string; selected: string | undefined; choose: (node: string | undefined) => void; list: boolean; onList: (list: boolean) => void }

function Drawing({ detail, title, selected, choose, list, onList }: DrawingProps) {
  const xml = useQuery(definitionXml(detail.name, detail.version))
  if (xml.error) return <Failure error={xml.error} retry={() => void xml.refetch()} />
  if (xml.data === undefined) return <Waiting rows={4} />
  return (
    <Suspense fallback={<Waiting rows={4} />}>
      <Diagram xml={xml.data} label={t.definitions.one.diagram(title, detail.version)} marks={NO_MARKS} selected={selected} onSelect={choose} list={list} onList={onList} />
    </Suspense>
  )
}
