import { Text, UnstyledButton } from '@mantine/core'
import { IconChevronDown } from '@tabler/icons-react'
import type { ComponentPropsWithRef } from 'react'
import { t } from '../texts'

export function AccountButton({ name, ...props }: ComponentPropsWithRef<'button'> & { name: string }) {
  return (
    <UnstyledButton aria-haspopup="menu" {...props} className="account" aria-label={t.app.account.menu(name)}>
      <span className="avatar" aria-hidden>{name.slice(0, 2).toUpperCase()}</span>
      <Text size="sm" visibleFrom="md">{name}</Text>
      <IconChevronDown size={14} aria-hidden />
    </UnstyledButton>
  )
}
