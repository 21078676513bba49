/** The list of all keys. */
import { Kbd, Modal, Table } from '@mantine/core'
import { useFocusBack } from '../parts/focusBack'
import { t } from '../texts'

const KEYS: [string[], string][] = [
  [['Ctrl K', '/'], t.app.keys.palette],
  [['?'], t.app.keys.help],
  [['g', 's t r i d'], t.app.keys.go],
  [['Ctrl Enter'], t.app.keys.complete],
  [['Ctrl S'], t.app.keys.draft],
  [['→', '←', '↑ ↓'], t.app.keys.diagram],
  [['Enter'], t.app.keys.open],
  [['+', '−', '0'], t.app.keys.zoom],
  [['[', ']'], t.app.keys.replay],
]

export default function KeyList({ close }: { close: () => void }) {
  useFocusBack()
  return (
    <Modal opened onClose={close} title={t.app.keys.title} closeButtonProps={{ 'aria-label': t.app.close }}>
      <Table>
        <Table.Tbody>
          {KEYS.map(([combination, words]) => (
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
