/** What instances are looked for: controls that change the address, and what is chosen as chips that can be taken away. */
import '@mantine/core/styles/Pill.css'
import '@mantine/core/styles/PillsInput.css'
import { Button, CloseButton, Group, MultiSelect, Select, TextInput } from '@mantine/core'
import { IconAdjustmentsHorizontal, IconSearch } from '@tabler/icons-react'
import { useState } from 'react'
import { useTyped } from '../../parts/typed'
import { t } from '../../texts'
import { states, STATES, STUCK, withStates, type Search } from './search'
import './instances.css'

type Option = { value: string; label: string }

type Props = {
  search: Search
  processes: Option[]
  /** Of the process that is chosen. */
  steps: Option[] | undefined
  phone: boolean
  change: (part: Partial<Search>) => void
  clear: () => void
}

/** What can be chosen is read whole, however narrow the control is. */
const WIDE = { width: 'max-content', position: 'bottom-start' } as const

const stateName = (state: string): string => (state === STUCK ? t.instances.exceptions : (t.app.status[state] ?? state))
const labelOf = (options: Option[] | undefined, value: string) => options?.find((option) => option.value === value)?.label ?? value

export function Filters({ search, processes, steps, phone, change, clear }: Props) {
  const [opened, setOpened] = useState(false)
  const chosen = states(search)
  const chips: [string, string, Partial<Search>][] = []
  if (search.q) chips.push(['q', t.instances.chip.q(search.q), { q: undefined }])
  if (search.definition) chips.push(['definition', t.instances.chip.process(labelOf(processes, search.definition)), { definition: undefined, version: undefined, node: undefined }])
  if (search.version) chips.push(['version', t.instances.chip.version(search.version), { version: undefined }])
  for (const state of chosen) chips.push([state, t.instances.chip.state(stateName(state)), { status: withStates(chosen.filter((other) => other !== state)) }])
  if (search.definition && search.node) chips.push(['node', t.instances.chip.step(labelOf(steps, search.node)), { node: undefined }])
  if (search.from) chips.push(['from', t.instances.chip.from(search.from), { from: undefined }])
  if (search.to) chips.push(['to', t.instances.chip.to(search.to), { to: undefined }])
  if (search.by) chips.push(['by', t.instances.chip.by(search.by), { by: undefined }])
  if (search.parent) chips.push(['parent', t.instances.chip.parent(search.parent.slice(-6)), { parent: undefined }])
  return (
    <section aria-label={t.instances.filters} className="filters">
      <div className="filter-row">
        <Typed label={t.instances.search} placeholder={t.instances.searchHint} value={search.q} onChange={(q) => change({ q })} icon wide />
        {phone && (
          <Button variant="default" fullWidth aria-expanded={opened} onClick={() => setOpened(!opened)} leftSection={<IconAdjustmentsHorizontal size={16} aria-hidden />} className="filter-wide">
            {opened ? t.instances.fewerFilters : t.instances.moreFilters}
          </Button>
        )}
        {(opened || !phone) && (
          <>
            <Select label={t.instances.process} placeholder={t.instances.anyProcess} data={processes} value={search.definition ?? null} searchable clearable nothingFoundMessage={t.instances.noMatch} size="sm" comboboxProps={WIDE}
              clearButtonProps={{ 'aria-label': t.app.clearFilters }} onChange={(definition) => change({ definition: definition ?? undefined, version: undefined, node: undefined })} />
            <MultiSelect label={t.instances.state} placeholder={chosen.length ? t.instances.chosenStates(chosen.length) : t.instances.anyState} data={[STUCK, ...STATES].map((state) => ({ value: state, label: stateName(state) }))} value={chosen} size="sm"
              maxDropdownHeight={420} renderPill={() => null} comboboxProps={WIDE} onChange={(next) => change({ status: withStates(next) })} />
            {search.definition && (
              <Select label={t.instances.step} placeholder={t.instances.anyStep} data={steps ?? []} value={search.node ?? null} searchable clearable nothingFoundMessage={t.instances.noMatch} size="sm" comboboxProps={WIDE}
                clearButtonProps={{ 'aria-label': t.app.clearFilters }} onChange={(node) => change({ node: node ?? undefined })} />
            )}
            <TextInput type="date" label={t.instances.from} value={search.from ?? ''} max={search.to} size="sm" onChange={(event) => change({ from: event.currentTarget.value || undefined })} />
            <TextInput type="date" label={t.instances.to} value={search.to ?? ''} min={search.from} size="sm" onChange={(event) => change({ to: event.currentTarget.value || undefined })} />
            <Typed label={t.instances.by} placeholder={t.instances.byHint} value={search.by} onChange={(by) => change({ by })} />
          </>
        )}
      </div>
      {chips.length > 0 && (
        <Group gap={6} role="group" aria-label={t.instances.active}>
          {chips.map(([key, label, without]) => (
            <span key={key} className="chip">
              {label}
              <CloseButton size={24} iconSize={14} aria-label={t.instances.remove(label)} onClick={() => change(without)} />
            </span>
          ))}
          <Button size="compact-sm" variant="subtle" onClick={clear}>
            {t.app.clearFilters}
          </Button>
        </Group>
      )}
    </section>
  )
}

type TypedProps = { label: string; placeholder: string; value: string | undefined; onChange: (value: string | undefined) => void; icon?: boolean; wide?: boolean }

function Typed({ label, placeholder, value = '', onChange, icon = false, wide = false }: TypedProps) {
  const [text, type] = useTyped(value, onChange)
  return (
    <TextInput label={label} placeholder={placeholder} value={text} size="sm" className={wide ? 'filter-wide' : undefined} leftSection={icon ? <IconSearch size={16} aria-hidden /> : undefined}
      onChange={(event) => type(event.currentTarget.value)} />
  )
}
