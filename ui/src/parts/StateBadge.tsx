/** How far an instance is: a word, a colour and a sign; in the words of those who run it, and of who asked for it. */
import { Badge } from '@mantine/core'
import { IconAlertTriangle, IconBan, IconCheck, IconPlayerPause, IconPlayerPlay, IconTool, IconX } from '@tabler/icons-react'
import { t } from '../texts'

const LOOKS = {
  CREATED: ['blue', IconPlayerPlay],
  STARTED: ['blue', IconPlayerPlay],
  ON_HOLD: ['yellow', IconPlayerPause],
  FINISHED: ['green', IconCheck],
  FAILED: ['red', IconX],
  stuck: ['red', IconAlertTriangle],
  beingMended: ['yellow', IconTool],
} as const

type Size = 'xs' | 'sm' | 'md'

export function StateBadge({ state, exceptions = 0, size = 'sm' }: { state: string; exceptions?: number; size?: Size }) {
  const shown = exceptions > 0 && state === 'STARTED' ? 'stuck' : state
  return <Sign state={state} look={shown} word={t.app.status[shown]} size={size} />
}

/** The same for who started it: what stands still is somebody else's to mend, and no alarm. */
export function RequestState({ state, stuck = false, size = 'sm' }: { state: string; stuck?: boolean; size?: Size }) {
  const waits = stuck && state === 'STARTED'
  return <Sign state={state} look={waits ? 'beingMended' : state} word={t.requests.state[waits ? 'stuck' : state]} size={size} />
}

function Sign({ state, look, word = state, size }: { state: string; look: string; word: string | undefined; size: Size }) {
  const [color, Icon] = LOOKS[look as keyof typeof LOOKS] ?? (['gray', IconBan] as const)
  return (
    <Badge size={size} variant="light" color={color} className={`state state-${color}`} leftSection={<Icon size={12} aria-hidden />} tt="none" data-state={state}>
      {word}
    </Badge>
  )
}
