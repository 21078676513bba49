/** Who one is, how it looks, and the way out. Loaded when it is opened for the first time. */
import '@mantine/core/styles/Menu.css'
import { Menu, useMantineColorScheme } from '@mantine/core'
import { IconLogout, IconMoon, IconSun, IconSunMoon } from '@tabler/icons-react'
import { useRef, useState } from 'react'
import { t } from '../texts'
import { AccountButton } from './AccountButton'
import { logOut, useMe } from './session'

const SCHEMES = { light: IconSun, dark: IconMoon, auto: IconSunMoon } as const

export default function AccountMenu() {
  const me = useMe()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const [opened, setOpened] = useState(true)
  const target = useRef<HTMLButtonElement>(null)
  const change = (next: boolean) => {
    setOpened(next)
    // what was pressed at first is there no more: this took its place
    if (!next) setTimeout(() => document.activeElement === document.body && target.current?.focus())
  }
  return (
    <Menu opened={opened} onChange={change} position="bottom-end" width={230} returnFocus>
      <Menu.Target>
        <AccountButton ref={target} name={me.name} />
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {me.name}
          <br />
          {t.app.account.roles(me.roles.join(', '))}
        </Menu.Label>
        <Menu.Divider />
        <Menu.Label>{t.app.account.theme}</Menu.Label>
        {(['light', 'dark', 'auto'] as const).map((scheme) => {
          const Icon = SCHEMES[scheme]
          return (
            <Menu.Item key={scheme} leftSection={<Icon size={16} aria-hidden />} aria-current={colorScheme === scheme || undefined} fw={colorScheme === scheme ? 600 : undefined} onClick={() => setColorScheme(scheme)}>
              {scheme === 'auto' ? t.app.account.system : t.app.account[scheme]}
            </Menu.Item>
          )
        })}
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void logOut()}>
          {t.app.account.signOut}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
