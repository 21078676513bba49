/** On a phone: everything that has no place at the foot of the window. */
import '@mantine/core/styles/Drawer.css'
import { Drawer } from '@mantine/core'
import type { ReactNode } from 'react'
import { useFocusBack } from '../parts/focusBack'
import { t } from '../texts'

export default function MoreMenu({ close, children }: { close: () => void; children: ReactNode }) {
  useFocusBack()
  return (
    <Drawer opened onClose={close} position="bottom" title={t.app.menu} size="auto" radius="lg" closeButtonProps={{ 'aria-label': t.app.close }}>
      {children}
    </Drawer>
  )
}
