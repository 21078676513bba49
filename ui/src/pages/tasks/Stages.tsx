/** How far a case is: its stages, with the one that it is in. */
import { Text } from '@mantine/core'
import { IconAlertTriangle, IconCheck, IconMinus } from '@tabler/icons-react'
import type { StageProgress as ProgressStage } from '../../api/types'
import { t } from '../../texts'

export function Stages({ stages, phone }: { stages: ProgressStage[]; phone: boolean }) {
  const named = stages.filter((stage) => stage.name !== '')
  if (named.length < 2) return null
  const at = named.findIndex((stage) => stage.state === 'current' || stage.state === 'failed')
  if (phone)
    return at < 0 ? null : (
      <Text size="sm" c="dimmed" className="stage-short">
        {t.tasks.page.step(at + 1, named.length)} · <Text span inherit fw={600} c="var(--mantine-color-text)">{named[at]?.name}</Text>
      </Text>
    )
  return (
    <ol className="stages scroll-x" aria-label={t.tasks.page.stages}>
      {named.map((stage, index) => (
        <li key={stage.name} data-state={stage.state} aria-current={index === at ? 'step' : undefined}>
          <span className="stage-sign" aria-hidden>
            {stage.state === 'done' ? <IconCheck size={14} stroke={3} /> : stage.state === 'failed' ? <IconAlertTriangle size={13} /> : stage.state === 'skipped' ? <IconMinus size={13} /> : index + 1}
          </span>
          <span>
            {stage.name}
            <span className="unseen"> ({t.tasks.page.stageState[stage.state] ?? stage.state})</span>
          </span>
        </li>
      ))}
    </ol>
  )
}
