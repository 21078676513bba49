/** The list of instances: a table, or cards on a phone. Arrow keys or j and k go from one to the next. */
import { Anchor, Group, Table, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import { isTyping } from '../../app/Keys'
import type { InstanceSummary as Summary } from '../../api/types'
import { Ago } from '../../parts/Ago'
import type { Row } from '../../parts/calm'
import { StateBadge } from '../../parts/StateBadge'
import { t } from '../../texts'
import { span } from '../../texts/format'
import { nameOf } from './words'

type Props = { rows: Row<Summary>[]; phone: boolean; show: () => void }

export function InstanceRows({ rows, phone, show }: Props) {
  const [at, setAt] = useState<string>()
  const list = useRef<HTMLDivElement>(null)
  const current = rows.some((row) => row.item.id === at) ? at : rows[0]?.item.id

  const press = useEffectEvent((event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector('[role=dialog]') !== null) return
    const inside = list.current?.contains(event.target as Node) ?? false
    const step = event.key === 'j' || (inside && event.key === 'ArrowDown') ? 1 : event.key === 'k' || (inside && event.key === 'ArrowUp') ? -1 : 0
    if (event.key === 'n') show()
    if (step === 0) return
    event.preventDefault()
    const links = [...(list.current?.querySelectorAll<HTMLElement>('a[data-row]') ?? [])]
    const index = links.indexOf(document.activeElement as HTMLElement)
    const next = index < 0 ? links.find((link) => link.dataset.row === current) : links[index + step]
    next?.focus()
  })
  useEffect(() => {
    const listener = (event: KeyboardEvent) => press(event)
    addEventListener('keydown', listener)
    return () => removeEventListener('keydown', listener)
  }, [])

  const shared = (row: Row<Summary>) => ({ row, first: row.item.id === current, enter: () => setAt(row.item.id) })
  if (phone)
    return (
      <div ref={list}>
        <ul className="cards" aria-label={t.instances.table}>
          {rows.map((row) => (
            <Card key={row.item.id} {...shared(row)} />
          ))}
        </ul>
      </div>
    )
  return (
    <div ref={list} className="rows-wide">
      <Table className="rows" highlightOnHover>
        <Table.Caption className="unseen">{t.instances.table}</Table.Caption>
        <Table.Thead>
          <Table.Tr>
            {[t.instances.reference, t.instances.process, t.instances.state, t.instances.where, t.instances.started, t.instances.age].map((name) => (
              <Table.Th key={name} scope="col">
                {name}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Line key={row.item.id} {...shared(row)} />
          ))}
        </Table.Tbody>
      </Table>
    </div>
  )
}

type RowProps = { row: Row<Summary>; first: boolean; enter: () => void }

/** Whether something of it changed just now: said until the tint is over. */
function useChanged(seq: number): { 'data-changed'?: true; onAnimationEnd: () => void } {
  const [seen, setSeen] = useState(seq)
  const [changed, setChanged] = useState(false)
  if (seen !== seq) {
    setSeen(seq)
    setChanged(true)
  }
  return { 'data-changed': changed || undefined, onAnimationEnd: () => setChanged(false) }
}

function Line({ row: { item, gone }, first, enter }: RowProps) {
  const changed = useChanged(item.seq)
  return (
    <Table.Tr data-gone={gone || undefined} {...changed}>
      <Table.Td>
        <Reference item={item} first={first} enter={enter} />
      </Table.Td>
      <Table.Td>
        {item.processTitle ?? item.processDefinitionName}{' '}
        <Text span size="xs" c="dimmed">
          {t.app.version(item.version)}
        </Text>
      </Table.Td>
      <Table.Td>
        <StateBadge state={item.state} exceptions={item.exceptions} />
      </Table.Td>
      <Table.Td>
        <Where item={item} />
      </Table.Td>
      <Table.Td>
        <Ago at={item.dateStarted} className="above tabular" />{' '}
        <Text span size="xs" c="dimmed">
          {t.app.startedBy(item.startedBy)}
        </Text>
      </Table.Td>
      <Table.Td className="tabular">
        <Age item={item} />
      </Table.Td>
    </Table.Tr>
  )
}

function Card({ row: { item, gone }, first, enter }: RowProps) {
  const changed = useChanged(item.seq)
  return (
    <li className="card" data-gone={gone || undefined} {...changed}>
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <Reference item={item} first={first} enter={enter} />
        <StateBadge state={item.state} exceptions={item.exceptions} />
      </Group>
      <Text size="sm">
        {item.processTitle ?? item.processDefinitionName}{' '}
        <Text span size="xs" c="dimmed">
          {t.app.version(item.version)}
        </Text>
      </Text>
      {item.waitingAt?.length > 0 && (
        <Text size="sm" fw={500}>
          <Where item={item} />
        </Text>
      )}
      <Text size="xs" c="dimmed" className="tabular">
        <Ago at={item.dateStarted} /> {t.app.startedBy(item.startedBy)} · <Age item={item} />
      </Text>
    </li>
  )
}

function Reference({ item, first, enter }: { item: Summary; first: boolean; enter: () => void }) {
  const name = nameOf(item)
  return (
    <Anchor component={Link} to={`/instances/${item.id}`} data-row={item.id} tabIndex={first ? 0 : -1} onFocus={enter} className="covering" size="sm" fw={500}
      ff={item.businessKey ? undefined : 'monospace'} aria-label={t.instances.openInstance(name, item.processTitle ?? item.processDefinitionName)}>
      {name}
    </Anchor>
  )
}

function Where({ item }: { item: Summary }) {
  const places = item.waitingAt ?? []
  if (places.length === 0) return <>{t.instances.nowhere}</>
  const [first, ...others] = places
  const more = others.length + (item.waitingAtMore ?? 0)
  return (
    <>
      {t.instances.times(first!.name || first!.node, first!.count)}
      {more > 0 && (
        <Text span size="xs" c="dimmed" title={others.map((place) => place.name || place.node).join(', ')}>
          {' '}
          {t.instances.more(more)}
        </Text>
      )}
    </>
  )
}

function Age({ item }: { item: Summary }) {
  if (item.dateEnded === null) return <Ago at={item.dateStarted} as="age" className="above tabular" />
  return <>{span(new Date(item.dateEnded).getTime() - new Date(item.dateStarted).getTime())}</>
}
