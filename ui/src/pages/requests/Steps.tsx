/** How far a request is, as a list: what is done, where it is now, and what is to come. */
import { Text } from '@mantine/core'
import { IconCheck, IconCircle, IconCircleFilled, IconPlayerPause, IconTool, IconX } from '@tabler/icons-react'
import type { StageProgress as ProgressStage, StepProgress as ProgressStep, ProgressView } from '../../api/types'
import { t } from '../../texts'
import { moment } from '../../texts/format'
import { failedSince, hasStages, isOpen, lastReached } from './where'

type Shown = ProgressStep['state'] | 'paused'

const SIGNS = { done: IconCheck, current: IconCircleFilled, paused: IconPlayerPause, failed: IconTool, next: IconCircle, skipped: IconX } as const
/** A dot is drawn small, a sign that says something large. */
const SIZES: Record<Shown, number> = { done: 16, current: 10, paused: 14, failed: 16, next: 8, skipped: 14 }

type Props = { progress: ProgressView; /** The names of the steps that are the reader's turn. */ mine: ReadonlySet<string> }

export function Steps({ progress, mine }: Props) {
  const held = progress.state === 'ON_HOLD'
  const shown = (state: ProgressStep['state']): Shown => (held && state === 'current' ? 'paused' : state)
  if (!hasStages(progress)) {
    const steps = progress.stages.flatMap((stage) => stage.steps)
    const unnamed = isOpen(progress.state) && !steps.some((step) => step.state === 'current' || step.state === 'failed')
    if (steps.length === 0 && !unnamed) return <Text c="dimmed">{t.requests.nothingYet}</Text>
    return (
      <ol className="steps">
        {steps.map((step, index) => (
          <Item key={`${index} ${step.name}`} name={step.name} state={shown(step.state)} words={wordsOfStep(step, shown(step.state), mine)} />
        ))}
        {unnamed && <Unnamed progress={progress} held={held} />}
      </ol>
    )
  }
  const reached = lastReached(progress)
  return (
    <ol className="steps">
      {progress.stages.map((stage, index) => (
        <Item key={stage.name} name={stage.name} state={stage.state === 'next' && index < reached ? 'skipped' : shown(stage.state)}
          words={stage.state === 'next' && index < reached ? t.requests.passed : stage.state === 'skipped' && progress.state !== 'FINISHED' ? t.requests.notReached : wordsOfStage(stage, shown(stage.state))}>
          {(stage.state === 'current' || stage.state === 'failed') && stage.steps.length > 0 && (
            <ul className="step-parts">
              {stage.steps.map((step, index) => (
                <Part key={`${index} ${step.name}`} step={step} state={shown(step.state)} mine={mine} />
              ))}
            </ul>
          )}
        </Item>
      ))}
    </ol>
  )
}

/** It is between the steps, or at something that has no name. */
function Unnamed({ progress, held }: { progress: ProgressView; held: boolean }) {
  const failed = progress.stages.find((stage) => stage.state === 'failed')
  if (failed !== undefined) return <Item name={t.requests.stopped} state="failed" words={looking(failedSince(failed))} />
  return held ? <Item name={t.requests.paused} state="paused" words={t.requests.resumes} /> : <Item name={t.requests.underway} state="current" words={t.requests.byItself} />
}

function Item({ name, state, words, children }: { name: string; state: Shown; words: string; children?: React.ReactNode }) {
  const Sign = SIGNS[state]
  const now = state === 'current' || state === 'failed' || state === 'paused'
  return (
    <li className="step" data-state={state} aria-current={now ? 'step' : undefined}>
      <span className="step-sign" aria-hidden>
        <Sign size={SIZES[state]} stroke={2.5} />
      </span>
      <div>
        <Text fw={now ? 650 : 500} lh="28px" c={state === 'next' || state === 'skipped' ? 'dimmed' : undefined}>{name}</Text>
        <Text size="sm" c="dimmed">{words}</Text>
        {children}
      </div>
    </li>
  )
}

function Part({ step, state, mine }: { step: ProgressStep; state: Shown; mine: ReadonlySet<string> }) {
  const Sign = SIGNS[state]
  return (
    <li className="step-part" data-state={state}>
      <Sign size={Math.min(SIZES[state], 14)} aria-hidden />
      <Text size="sm">
        {step.name}
        <Text span inherit c="dimmed"> · {wordsOfStep(step, state, mine)}</Text>
      </Text>
    </li>
  )
}

function wordsOfStage(stage: ProgressStage, state: Shown): string {
  if (state === 'failed') return looking(failedSince(stage))
  if (state === 'current') return stage.since === null ? t.requests.underway : t.requests.since(moment(stage.since))
  return common(state, stage.until)
}

function wordsOfStep(step: ProgressStep, state: Shown, mine: ReadonlySet<string>): string {
  if (state === 'failed') return looking(step.since)
  if (state === 'current') {
    if (step.since === null) return t.requests.underway
    const since = moment(step.since)
    return mine.has(step.name) ? t.requests.withYou(since) : step.lane ? t.requests.with(step.lane, since) : t.requests.since(since)
  }
  if (state === 'done' && step.until !== null && step.lane) return t.requests.doneBy(moment(step.until), step.lane)
  return common(state, step.until)
}

function looking(since: string | null): string {
  return since === null ? t.requests.lookingNow : t.requests.looking(moment(since))
}

function common(state: Shown, until: string | null): string {
  switch (state) {
    case 'paused':
      return t.requests.paused
    case 'next':
      return t.requests.next
    case 'skipped':
      return t.requests.skipped
    default:
      return until === null ? t.requests.state.FINISHED! : t.requests.done(moment(until))
  }
}
