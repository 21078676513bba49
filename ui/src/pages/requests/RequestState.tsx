/** How far a request is, for who started it: a word, a colour and a sign. */
import { Badge } from '@mantine/core'
import { IconBan, IconCheck, IconPlayerPause, IconPlayerPlay, IconTool, IconX } from '@tabler/icons-react'
import { t } from '../../texts'

const LOOKS = {
  CREATED: ['blue', IconPlayerPlay],
  STARTED: ['blue', IconPlayerPlay],
  ON_HOLD: ['yellow', IconPlayerPause],
  FINISHED: ['green', IconCheck],
  FAILED: ['red', IconX],
  stuck: ['yellow', IconTool],
} as const

export function RequestState({ state, stuck = false, size = 'sm' }: { state: string; stuck?: boolean; size?: 'sm' | 'md' }) {
  const shown = stuck && state === 'STARTED' ? 'stuck' : state
  const [color, Icon] = LOOKS[shown as keyof typeof LOOKS] ?? (['gray', IconBan] as const)
  return (
    <Badge size={size} variant="light" color={color} className={`state state-${color}`} leftSection={<Icon size={12} aria-hidden />} tt="none" data-state={state}>
      {t.requests.state[shown] ?? shown}
    </Badge>
  )
}
