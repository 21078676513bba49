/** The list of all keys. */
import { Kbd, Modal, Table } from '@mantine/core'
import { useFocusBack } from '../parts/focusBack'
import { t } from '../texts'
import type { Entry } from './nav'

export default function KeyList({ entries, close }: { entries: Entry[]; close: () => void }) {
  useFocusBack()
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
    <Modal opened onClose={close} title={t.app.keys.title} closeButtonProps={{ 'aria-label': t.app.close }}>
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
