/** Ctrl K: jump to what one knows a word of, or do something with what is shown. */
import '@mantine/core/styles/Mark.css'
import '@mantine/spotlight/styles.css'
import { useDebouncedValue } from '@mantine/hooks'
import { useMantineColorScheme, useComputedColorScheme } from '@mantine/core'
import { Spotlight, spotlight, type SpotlightActionGroupData } from '@mantine/spotlight'
import { IconArrowRight, IconBolt, IconChecklist, IconListDetails, IconSearch, IconSunMoon } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { instances, published, tasks } from '../api/queries'
import { t } from '../texts'
import { moment } from '../texts/format'
import type { Entry } from './nav'
import { usePageActions } from './offers'

const SHOWN = 6

export default function Palette({ entries }: { entries: Entry[] }) {
  const [query, setQuery] = useState('')
  const [opened, setOpened] = useState(false)
  const [searched] = useDebouncedValue(query.trim(), 200)
  const navigate = useNavigate()
  const offered = usePageActions()
  const { setColorScheme } = useMantineColorScheme()
  const scheme = useComputedColorScheme('light')
  const searching = opened && searched.length >= 2
  const watches = entries.some((entry) => entry.to === '/instances')
  const foundInstances = useInfiniteQuery({ ...instances({ q: searched }), enabled: searching && watches })
  const foundTasks = useInfiniteQuery({ ...tasks({ scope: 'all', q: searched }), enabled: searching })
  const processes = useQuery({ ...published, enabled: opened })
  useEffect(() => spotlight.open(), [])

  const go = (to: string) => () => void navigate({ to })
  const matches = (text: string) => text.toLowerCase().includes(query.trim().toLowerCase())
  const groups: SpotlightActionGroupData[] = [
    { group: t.app.palette.actions, actions: offered.filter((action) => matches(action.label)).map((action) => ({ id: `act-${action.id}`, label: action.label, onClick: action.run, leftSection: <IconArrowRight size={18} aria-hidden /> })) },
    {
      group: t.app.palette.tasks,
      actions: (searching ? (foundTasks.data?.pages[0]?.items ?? []) : []).slice(0, SHOWN).map((task) => ({
        id: `task-${task.id}`, label: task.name, description: [task.processTitle ?? task.processDefinitionName, task.businessKey].filter(Boolean).join(' · '),
        onClick: go(`/tasks/${task.id}`), leftSection: <IconChecklist size={18} aria-hidden />,
      })),
    },
    {
      group: t.app.palette.instances,
      actions: (searching ? (foundInstances.data?.pages[0]?.items ?? []) : []).slice(0, SHOWN).map((instance) => ({
        id: `instance-${instance.id}`, label: instance.businessKey ?? instance.id, description: `${instance.processTitle ?? instance.processDefinitionName} · ${t.app.status[instance.state] ?? instance.state} · ${moment(instance.dateStarted)}`,
        onClick: go(`/instances/${instance.id}`), leftSection: <IconListDetails size={18} aria-hidden />,
      })),
    },
    { group: t.app.palette.pages, actions: entries.filter((entry) => matches(entry.label)).map((entry) => ({ id: entry.to, label: entry.label, onClick: go(entry.to), leftSection: <entry.icon size={18} stroke={1.6} aria-hidden /> })) },
    {
      group: t.app.palette.processes,
      actions: (processes.data ?? []).filter((each) => each.allowed.start === true && matches(each.title || each.name)).slice(0, SHOWN).map((each) => ({
        id: `start-${each.name}`, label: t.app.palette.start(each.title || each.name), onClick: go(`/start/${encodeURIComponent(each.name)}`), leftSection: <IconBolt size={18} aria-hidden />,
      })),
    },
    { group: t.app.account.theme, actions: matches(t.app.palette.theme) ? [{ id: 'theme', label: t.app.palette.theme, onClick: () => setColorScheme(scheme === 'dark' ? 'light' : 'dark'), leftSection: <IconSunMoon size={18} aria-hidden /> }] : [] },
  ]
  return (
    <Spotlight
      actions={groups.filter((group) => group.actions.length)}
      query={query}
      onQueryChange={setQuery}
      onSpotlightOpen={() => setOpened(true)}
      onSpotlightClose={() => setOpened(false)}
      filter={(_query, actions) => actions}
      shortcut={null}
      highlightQuery
      scrollable
      nothingFound={t.app.palette.nothing}
      searchProps={{ placeholder: t.app.palette.placeholder, 'aria-label': t.app.palette.placeholder, leftSection: <IconSearch size={18} aria-hidden /> }}
    />
  )
}
