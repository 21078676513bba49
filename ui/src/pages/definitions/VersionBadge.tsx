/** Whether a version is a draft, published or deprecated: a word, a colour and a sign. */
import { Badge } from '@mantine/core'
import { IconArchive, IconCheck, IconPencil } from '@tabler/icons-react'
import { t } from '../../texts'

const LOOKS = { draft: ['yellow', IconPencil], published: ['green', IconCheck], deprecated: ['gray', IconArchive] } as const

export function VersionBadge({ state, label = t.definitions.states[state] ?? state }: { state: string; label?: string }) {
  const [color, Icon] = LOOKS[state as keyof typeof LOOKS] ?? (['gray', IconArchive] as const)
  return (
    <Badge size="sm" variant="light" color={color} className={`state state-${color}`} tt="none" leftSection={<Icon size={12} aria-hidden />}>
      {label}
    </Badge>
  )
}
