/** Where a request is, out of its progress. */
import type { StageProgress as ProgressStage, StepProgress as ProgressStep, ProgressView, InstanceSummary as Summary } from '../../api/types'
import { t } from '../../texts'

/** Stages have names; a process that names none has all of its steps in one without. */
export function hasStages(progress: ProgressView): boolean {
  return progress.stages.some((stage) => stage.name !== '')
}

export function currentSteps(progress: ProgressView): ProgressStep[] {
  return progress.stages.flatMap((stage) => stage.steps).filter((step) => step.state === 'current')
}

/** With whom it is: swimlanes if all its steps have one, else nothing. */
export function withWhom(progress: ProgressView): string[] {
  const lanes = currentSteps(progress).map((step) => step.lane)
  return lanes.every((lane) => lane !== null) ? [...new Set(lanes)] : []
}

/** The steps that it is at, each once. */
export function atSteps(progress: ProgressView): string[] {
  return [...new Set(currentSteps(progress).map((step) => step.name))]
}

/** The steps that a request in a list is at; what has no name says nothing to people. */
export function whereNow({ waitingAt, waitingAtMore }: Pick<Summary, 'waitingAt' | 'waitingAtMore'>): string {
  const names = new Set(waitingAt.filter((place) => place.name !== place.node).map((place) => place.name))
  return names.size ? t.requests.at([...names], waitingAtMore) : ''
}

/** When something failed first; between steps it is when the last of them was done. */
export function failedSince({ steps }: ProgressStage): string | null {
  const failed = steps.filter((step) => step.state === 'failed').map((step) => step.since)
  return sorted(failed)[0] ?? sorted(steps.map((step) => step.until)).at(-1) ?? null
}

function sorted(moments: (string | null)[]): string[] {
  return moments.filter((moment) => moment !== null).sort()
}

/** The index of the last stage that was come to: one before it that was not is passed by. */
export function lastReached(progress: ProgressView): number {
  return progress.stages.findLastIndex(({ state }) => state !== 'next' && state !== 'skipped')
}

export const OPEN = 'CREATED,STARTED,ON_HOLD'
export const ENDED = 'FINISHED,FAILED,TERMINATED,DISMISSED,EXPIRED,ABORTED'

export function isOpen(state: string): boolean {
  return OPEN.split(',').includes(state)
}
