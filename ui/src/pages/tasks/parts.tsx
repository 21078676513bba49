/** Parts of what is said of a task, in the list and on its page. */
import { Text } from '@mantine/core'
import { IconAlertTriangle, IconClock } from '@tabler/icons-react'
import { Ago, useNow } from '../../parts/Ago'
import { t } from '../../texts'
import { priority, urgency } from './looks'

export function Due({ at, label = false }: { at: string; label?: boolean }) {
  const level = urgency(at, Math.max(useNow(), 0))
  return (
    <span className="due" data-urgency={level}>
      {level === 'overdue' ? <IconAlertTriangle size={15} aria-hidden /> : level === 'soon' ? <IconClock size={15} aria-hidden /> : null}
      {label && <span>{t.tasks.dueAt}</span>}
      <Ago at={at} as="away" />
      {level !== 'later' && <span>({t.tasks[level]})</span>}
    </span>
  )
}

export function Who({ name, me }: { name: string | null; me: string }) {
  if (name === null) return <Text span inherit c="dimmed">{t.tasks.nobody}</Text>
  return name === me ? <span className="who-me">{t.app.me}</span> : <>{name}</>
}

export function Priority({ value }: { value: number }) {
  const { word, level } = priority(value)
  return <Text span inherit fw={level === 'high' ? 600 : undefined} c={level === 'high' ? undefined : 'dimmed'}>{word}</Text>
}
