/** Keys that work everywhere, and the list of all keys. They never fire while somebody types. */
import { Kbd, Modal, Table } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import { t } from '../texts'
import type { Entry } from './nav'
import { openPalette } from './offers'

/** Milliseconds between `g` and the letter after it. */
const PATIENCE = 1_500

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select, [role=textbox], [role=slider], [role=application], [role=application] *'))
}

export function Keys({ entries }: { entries: Entry[] }) {
  const [help, setHelp] = useState(false)
  const navigate = useNavigate()
  const going = useRef(0)

  const press = useEffectEvent((event: KeyboardEvent) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault()
      openPalette()
      return
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector('[role=dialog]') !== null) return
    if (event.key === '?') setHelp(true)
    else if (event.key === '/') {
      event.preventDefault()
      openPalette()
    } else if (event.key === 'g') going.current = event.timeStamp
    else if (event.timeStamp - going.current < PATIENCE) {
      going.current = 0
      const entry = entries.find((each) => each.key === event.key)
      if (entry) void navigate({ to: entry.to })
    }
  })
  useEffect(() => {
    const listener = (event: KeyboardEvent) => press(event)
    addEventListener('keydown', listener)
    return () => removeEventListener('keydown', listener)
  }, [])

  const keys: [string[], string][] = [
    [[t.app.searchKey, '/'], t.app.keys.palette],
    [['?'], t.app.keys.help],
    [['g', entries.map((entry) => entry.key).join(' ')], t.app.keys.go(entries.map((entry) => entry.label))],
    [[t.tasks.page.completeHint], t.app.keys.complete],
    [[t.tasks.page.draftHint], t.app.keys.draft],
    [['→', '←', '↑ ↓'], t.app.keys.diagram],
    [[t.app.keys.enter], t.app.keys.open],
    [['+', '−', '0'], t.app.keys.zoom],
    [['[', ']'], t.app.keys.replay],
  ]
  return (
    <Modal opened={help} onClose={() => setHelp(false)} title={t.app.keys.title} closeButtonProps={{ 'aria-label': t.app.close }}>
      <Table>
        <Table.Tbody>
          {keys.map(([combination, words]) => (
            <Table.Tr key={words}>
              <Table.Td w={150}>{combination.map((key) => <Kbd key={key} mr={4}>{key}</Kbd>)}</Table.Td>
              <Table.Td>{words}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  )
}
