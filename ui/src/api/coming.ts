// Fields and shapes that the API is about to have; this file goes when it has them.
import type { DefinitionDetail, DefinitionView, InstanceSummary, InstanceView, NodeView, StartView, TaskView } from './types'

export type Task = TaskView & { processTitle: string; businessKey: string | null; stage: string | null; version: number; startedBy: string | null; dateStarted: string | null }
export type Where = { node: string; name: string; stage: string | null; count: number }
export type Summary = InstanceSummary & { processTitle: string; waitingAt: Where[]; waitingAtMore: number }
export type Instance = InstanceView & { processTitle: string }
export type Node = NodeView & { stage: string | null; description: string }
export type Start = StartView & { form: string | null; schema: Record<string, unknown> | null; description: string }
export type Definition = DefinitionView & { description: string }
export type Detail = Omit<DefinitionDetail, 'nodes' | 'starts'> & { description: string; forms: { key: string; nodes: string[] }[]; stages: string[]; nodes: Node[]; starts: Start[] }
export type TaskForm = { task: Task; source: 'form' | 'dataModel' | null; schema: Record<string, unknown> | null; data: Record<string, unknown>; instructions: string; draft: Record<string, unknown> | null; draftDate: string | null }
export type StepState = 'done' | 'current' | 'failed' | 'next' | 'skipped'
export type ProgressStep = { name: string; state: StepState; since: string | null; until: string | null; lane: string | null; assignee: string | null }
export type ProgressStage = { name: string; state: StepState; since: string | null; until: string | null; steps: ProgressStep[] }
export type ProgressView = { instance: string; processTitle: string; businessKey: string | null; state: string; dateStarted: string; dateEnded: string | null; stages: ProgressStage[]; seq: number; allowed: Record<string, boolean | string> }
export type Ended = { kind: 'job' | 'timer' | 'message' | 'task' | 'child'; node: string; name: string; instance: string }
export type LiveMessage = { event: string; data: Record<string, unknown> & { instance: string } }
export type PreviewView = { instance: Instance; events: LiveMessage[]; ended: Ended[] }
