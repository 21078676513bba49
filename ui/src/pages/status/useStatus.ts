/** Everything that the page of an instance shows: as it is, live, or as it was at a moment of its history. */
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import type { InstanceView as Instance } from '../../api/types'
import { definition, definitionXml, history, instance, instanceAt, tasks } from '../../api/queries'
import { marksOf, pathTo } from '../../diagram/marks'
import { useFollow, useRefresher } from '../../live'
import { t } from '../../texts'
import { applied } from './apply'

const texts = { waiting: t.diagram.waiting, failed: t.diagram.failing, held: t.diagram.holding, visited: t.diagram.visited, cancelled: t.diagram.cancelled }

export function useStatus(id: string, at: number | undefined) {
  const client = useQueryClient()
  const refresher = useRefresher()
  const live = useQuery(instance(id))
  const last = live.data?.seq
  const past = at !== undefined && last !== undefined && at < last
  const before = useQuery({ ...instanceAt(id, at ?? 0), enabled: past, placeholderData: keepPreviousData })
  // the next step, either way, is there before it is asked for
  const arrived = past && before.data !== undefined && !before.isPlaceholderData
  useEffect(() => {
    if (!arrived) return
    for (const next of [at - 1, at + 1]) if (next > 0 && next < last) void client.prefetchQuery(instanceAt(id, next))
  }, [client, id, at, last, arrived])
  const entries = useQuery(history(id))
  const name = live.data?.processDefinitionName
  const version = live.data?.version
  const known = name !== undefined && version !== undefined
  const detail = useQuery({ ...definition(name ?? '', version ?? 0), enabled: known })
  const xml = useQuery({ ...definitionXml(name ?? '', version ?? 0), enabled: known })
  const open = useInfiniteQuery({ ...tasks({ scope: 'all', instance: id }), enabled: live.data?.state === 'STARTED' })
  const nodes = useMemo(() => new Map((detail.data?.nodes ?? []).map((node) => [node.id, node])), [detail.data])

  useFollow({ instance: id }, last, (message) => {
    client.setQueryData<Instance>(['instance', id], (shown) => shown && applied(shown, message, (node) => nodes.get(node)?.name || node))
    refresher.refresh(['instance', id])
    if (message.event === 'task' || message.event === 'access' || message.event === 'status') refresher.refresh(['tasks'])
  })

  const shown = past ? before.data : live.data
  const position = past ? at : Infinity
  const path = useMemo(() => pathTo(entries.data ?? [], position), [entries.data, position])
  const marks = useMemo(() => {
    const types = new Map([...nodes.values()].map((node) => [node.id, node.type]))
    return shown === undefined ? undefined : marksOf(shown, path, types, texts)
  }, [shown, path, nodes])
  return { live, shown, past, before, entries, detail, xml, nodes, marks, path, tasks: open.data?.pages.flatMap((page) => page.items) ?? [], tasksKnown: !open.isFetching, refresh: () => refresher.refresh(['instance', id], 0) }
}

export type Status = ReturnType<typeof useStatus>
