/** The history as a film: a slider over it, steps, failures, and the way back to now. */
import '@mantine/core/styles/Slider.css'
import { ActionIcon, Button, Group, Slider, Text } from '@mantine/core'
import { IconChevronLeft, IconChevronRight, IconHistory, IconPlayerPause, IconPlayerPlay, IconPlayerTrackNext, IconPlayerTrackPrev } from '@tabler/icons-react'
import { useEffect, useEffectEvent, useMemo, useState } from 'react'
import type { HistoryView } from '../../api/types'
import { isTyping } from '../../app/Keys'
import { Hint } from '../../parts/Hint'
import { t } from '../../texts'
import { moment, seconds } from '../../texts/format'

const BEAT = 800

type Props = { entries: readonly HistoryView[]; last: number; at: number | undefined; go: (at: number | undefined) => void }

export function Replay({ entries, last, at, go }: Props) {
  const [playing, setPlaying] = useState(false)
  const position = at ?? last
  const entry = entries[position - 1]
  const failures = useMemo(() => entries.filter((each) => each.events.some((event) => (event as unknown[])[0] === 'incident-raised')).map((each) => each.position), [entries])
  const before = failures.findLast((each) => each < position)
  const after = failures.find((each) => each > position)
  const to = (next: number) => go(next >= last ? undefined : Math.max(1, next))
  const words = entry && `${t.status.audit.commands[entry.command] ?? entry.command}${failures.includes(position) ? `, ${t.status.replay.failed}` : ''}`

  const beat = useEffectEvent(() => {
    if (position + 1 >= last) setPlaying(false)
    to(position + 1)
  })
  useEffect(() => {
    if (!playing) return
    const timer = setInterval(() => beat(), BEAT)
    return () => clearInterval(timer)
  }, [playing])

  const press = useEffectEvent((event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector('[role=dialog]') !== null) return
    if (event.key === '[') to(position - 1)
    else if (event.key === ']') to(position + 1)
    else if (event.key === 'L') go(undefined)
  })
  useEffect(() => {
    const listener = (event: KeyboardEvent) => press(event)
    addEventListener('keydown', listener)
    return () => removeEventListener('keydown', listener)
  }, [])

  return (
    <div className="replay" data-past={at !== undefined || undefined} role="group" aria-label={t.status.replay.label}>
      <Text size="xs" className="replay-when tabular">
        <b>{at === undefined ? t.status.replay.live : t.status.replay.replay}</b>
        {entry && (
          <>
            {' '}
            · {moment(entry.at)}
            <span className="replay-words">
              {' '}
              · {words}
            </span>
          </>
        )}
        {' '}· {t.status.replay.event(position, last)}
      </Text>
      <Group gap={2} wrap="nowrap">
        <Step label={t.status.replay.previousFailure} disabled={before === undefined} onClick={() => before !== undefined && to(before)} icon={<IconPlayerTrackPrev size={16} />} />
        <Step label={`${t.status.replay.back} ( [ )`} disabled={position <= 1} onClick={() => to(position - 1)} icon={<IconChevronLeft size={18} />} />
        <Step
          label={playing ? t.status.replay.pause : t.status.replay.play}
          disabled={last < 2}
          onClick={() => {
            if (!playing && at === undefined) go(1)
            setPlaying(!playing)
          }}
          icon={playing ? <IconPlayerPause size={16} /> : <IconPlayerPlay size={16} />}
        />
        <Step label={`${t.status.replay.forth} ( ] )`} disabled={at === undefined} onClick={() => to(position + 1)} icon={<IconChevronRight size={18} />} />
        <Step label={t.status.replay.nextFailure} disabled={after === undefined} onClick={() => after !== undefined && to(after)} icon={<IconPlayerTrackNext size={16} />} />
      </Group>
      <Slider
        className="replay-slider"
        size="sm"
        min={1}
        max={Math.max(last, 2)}
        value={position}
        onChange={to}
        disabled={last < 2}
        marks={failures.length <= 40 ? failures.map((value) => ({ value })) : []}
        label={(value) => (entries[value - 1] ? `${seconds(entries[value - 1]!.at)} · ${t.status.audit.commands[entries[value - 1]!.command] ?? ''}` : String(value))}
        thumbLabel={t.status.replay.label}
        thumbValueText={[t.status.replay.event(position, last), words].filter(Boolean).join(', ')}
      />
      <Button size="compact-sm" variant={at === undefined ? 'subtle' : 'filled'} color={at === undefined ? 'gray' : undefined} leftSection={<IconHistory size={14} aria-hidden />} disabled={last < 2} onClick={() => { setPlaying(false); go(at === undefined ? Math.max(1, last - 1) : undefined) }}>
        {at === undefined ? t.status.replay.replay : t.status.replay.toLive}
      </Button>
    </div>
  )
}

function Step({ label, icon, disabled, onClick }: { label: string; icon: React.ReactNode; disabled: boolean; onClick: () => void }) {
  return (
    <Hint label={label}>
      <ActionIcon variant="subtle" color="gray" aria-label={label} disabled={disabled} onClick={onClick}>
        {icon}
      </ActionIcon>
    </Hint>
  )
}
