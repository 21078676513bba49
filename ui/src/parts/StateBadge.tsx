/** How far an instance is: a word, a colour and a sign. */
import { Badge } from '@mantine/core'
import { IconAlertTriangle, IconBan, IconCheck, IconPlayerPause, IconPlayerPlay, IconX } from '@tabler/icons-react'
import { t } from '../texts'

const LOOKS = {
  CREATED: ['blue', IconPlayerPlay],
  STARTED: ['blue', IconPlayerPlay],
  ON_HOLD: ['yellow', IconPlayerPause],
  FINISHED: ['green', IconCheck],
  FAILED: ['red', IconX],
  stuck: ['red', IconAlertTriangle],
} as const

export function StateBadge({ state, exceptions = 0, size = 'sm' }: { state: string; exceptions?: number; size?: 'xs' | 'sm' | 'md' }) {
  const shown = exceptions > 0 && state === 'STARTED' ? 'stuck' : state
  const [color, Icon] = LOOKS[shown as keyof typeof LOOKS] ?? (['gray', IconBan] as const)
  return (
    <Badge size={size} variant="light" color={color} className={`state state-${color}`} leftSection={<Icon size={12} aria-hidden />} tt="none" data-state={state}>
      {t.app.status[shown] ?? shown}
    </Badge>
  )
}
