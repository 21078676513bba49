// Written by `python ui/api_types.py` from the description of the HTTP API. Not to be edited.

export type AccessChange = {
  instance: string
  rootInstance: string
  processDefinitionName: string
  version: number
  at: string
  seq: number
  token: string
  node: string
  lane: string | null
  execute: boolean
  view: boolean
}

export type Activate = {
  type: string
  worker?: string
  maxJobs?: number
  lockMs?: number
  waitMs?: number
  fetchVariables?: string[] | null
}

export type Assign = {
  assignee: string | null
}

export type AuditView = {
  id: string
  date: string
  user: string
  subject: string
  event: string
  subjectIdentifier: string
  status: string
  detail: string
  instance?: string
  position?: number
}

export type BusLeave = {
  group: string
  member: string
}

export type BusLeft = {
  left: boolean
}

export type BusOffset = {
  topic: string
  partition: number
  offset: number
}

export type BusOutgoing = {
  topic: string
  value: string
  key?: string | null
  headers?: [string, string][]
}

export type BusOutgoings = {
  records: BusOutgoing[]
}

export type BusPoll = {
  group: string
  member: string
  topics?: string[]
  pattern?: string | null
  latest?: boolean
  maxRecords?: number
  waitMs?: number
  commit?: BusOffset[]
}

export type BusPublished = {
  published: number
}

export type BusRecord = {
  topic: string
  partition: number
  offset: number
  key: string | null
  headers: [string, string][]
  value: string
  at: number
}

export type BusRecords = {
  records: BusRecord[]
  assigned: [string, number][]
}

export type BusView = {
  kind: "memory" | "kafka" | "none"
  url: string
  group: string
  errors: Record<string, string>
  looked: string | null
  waiting: number
  waitingSince: string | null
  deadLetters: number
  topics: TopicView[]
  integrations: IntegrationView[]
}

export type BusinessError = {
  token: number
  code: string
  message?: string
  variables?: Record<string, unknown>
}

export type Complete = {
  variables?: Record<string, unknown>
}

export type Credentials = {
  access_token: string
  token_type: string
  expires_in: number
  csrfToken?: string
}

export type DataChange = {
  instance: string
  rootInstance: string
  processDefinitionName: string
  version: number
  at: string
  seq: number
  key: string
  value: unknown
}

export type DefinitionDetail = {
  id: string
  name: string
  version: number
  title: string
  description: string
  state: string
  file: string
  digest: string
  dateDeployed: string
  deployedBy: string
  seq: number
  allowed: Record<string, boolean | string>
  starts: StartView[]
  dataModel: Record<string, unknown> | null
  lanes: LaneView[]
  nodes: NodeView[]
  stages: string[]
  forms: FormView[]
  settings: SettingsView
}

export type DefinitionProblem = {
  file: string
  line: number | null
  element: string | null
  message: string
  hint?: string
  severity?: string
}

export type DefinitionView = {
  id: string
  name: string
  version: number
  title: string
  description: string
  state: string
  file: string
  digest: string
  dateDeployed: string
  deployedBy: string
  seq: number
  allowed: Record<string, boolean | string>
}

export type Deployed = {
  items: DefinitionView[]
  next?: string | null
}

export type Done = {
  id: string
  instance: string
  seq: number
  allowed?: Record<string, boolean | string>
}

export type Draft = {
  variables: Record<string, unknown>
}

export type DraftView = {
  draftDate: string
}

export type EndedWait = {
  kind: string
  node: string
  name: string
  instance: string
}

export type ExceptionChange = {
  instance: string
  rootInstance: string
  processDefinitionName: string
  version: number
  at: string
  seq: number
  exception: string
  change: string
  token: string
  node: string
  type: string
  message: string
}

export type ExceptionView = {
  id: string
  instance: string
  tokenId: string
  node: string
  source: string
  type: string
  causeType: string
  message: string
  details: string
  date: string
  resolved: string | null
  seq: number
  allowed: Record<string, boolean | string>
}

export type Extension = {
  token: number
  lockMs?: number
}

export type FailedStartView = {
  id: string
  processDefinitionName: string
  date: string
  actor: string
  status: number
  title: string
  detail: string
  data: unknown
  startCondition?: string | null
  businessKey?: string | null
}

export type Failure = {
  token: number
  message?: string
  retries?: number | null
  backoffMs?: number
}

export type FeelAnswer = {
  result: unknown
  warnings?: string[]
}

export type FeelBody = {
  expression: string
  context?: Record<string, unknown>
  type?: "expression" | "unaryTests"
  value?: unknown
}

export type FieldError = {
  pointer: string
  message: string
}

export type FlowView = {
  count: number
  perSecond: number
}

export type FormView = {
  key: string
  nodes: string[]
}

export type HeaderView = {
  name: string
  value: string
}

export type HistoryView = {
  position: number
  at: string
  actor: string
  command: string
  reason: string
  events: unknown[]
  instance?: string
}

export type InheritingBody = {
  startCondition?: string | null
  businessKey?: string | null
  flowName?: string | null
  paramsToInherit?: ParamsToInherit
}

export type InstanceSummary = {
  id: string
  processDefinitionName: string
  processTitle: string
  version: number
  state: "CREATED" | "STARTED" | "ON_HOLD" | "FINISHED" | "FAILED" | "TERMINATED" | "DISMISSED" | "EXPIRED" | "ABORTED"
  businessKey: string | null
  startedBy: string
  dateStarted: string
  dateEnded: string | null
  parent: string | null
  root: string
  exceptions: number
  waitingAt: PlaceView[]
  waitingAtMore: number
  seq: number
  allowed: Record<string, boolean | string>
}

export type InstanceView = {
  id: string
  processDefinitionName: string
  processTitle: string
  version: number
  state: "CREATED" | "STARTED" | "ON_HOLD" | "FINISHED" | "FAILED" | "TERMINATED" | "DISMISSED" | "EXPIRED" | "ABORTED"
  businessKey: string | null
  startedBy: string
  dateStarted: string
  dateEnded: string | null
  parent: string | null
  root: string
  tokens: TokenView[]
  variables: Record<string, unknown>
  generalData: unknown
  subProcesses: string[]
  exceptions: ExceptionView[]
  waits: Record<string, unknown>[]
  seq: number
  allowed: Record<string, boolean | string>
  templateConfig?: unknown[]
}

export type IntegrationView = {
  processDefinitionName: string
  processTitle: string
  version: number
  sends: TopicUse[]
  receives: TopicUse[]
}

export type JobView = {
  id: string
  token: number
  type: string
  instance: string
  node: string
  variables: Record<string, unknown>
  headers: Record<string, string>
  retries: number
  deadline: string
  worker: string | null
}

export type LaneView = {
  id: string
  name: string
  access: Record<string, string[]>
}

export type Leased = {
  id: string
  token: number
  deadline: string | null
}

export type LetterView = {
  id: string
  topic: string
  name: string
  partition: number | null
  offset: number | null
  key: string | null
  value: unknown
  headers: HeaderView[]
  published: string
  at: string
  attempts: number
  due: string | null
  state: "waiting" | "dead" | "replayed" | "dismissed"
  title: string
  detail: string
  instance: string | null
  closed: string | null
  closedBy: string | null
  allowed: Record<string, boolean | string>
}

export type Live = {
  status: string
}

export type LiveEvent = {
  id: string
  event: "progress" | "status" | "data" | "action" | "task" | "exception" | "access" | "resync"
  data: string
}

export type LogIn = {
  username: string
  password: string
  session?: boolean
}

export type MeView = {
  name: string
  roles: string[]
  expires: string | null
  allowed: Record<string, boolean | string>
  csrfToken?: string
}

export type MessageBody = {
  name: string
  correlationKey?: string | number | null
  variables?: Record<string, unknown>
  messageId?: string | null
  ttl?: string
}

export type MessageView = {
  id: string
  duplicate: boolean
  instances: string[]
  buffered: boolean
}

export type Move = {
  node: string
  reason?: string
}

export type NewPassword = {
  old: string
  new: string
}

export type NodeDataView = {
  instance: string
  node: string
  name: string
  type: string
  token: string | null
  task: string | null
  data: Record<string, unknown>
  actions: unknown[]
  seq: number
  allowed: Record<string, boolean | string>
}

export type NodeView = {
  id: string
  name: string
  description: string
  type: string
  lane: string | null
  parent: string | null
  stage: string | null
}

export type Operation = {
  operationType: "DISMISS" | "HOLD" | "TERMINATE" | "UNHOLD"
  reason?: string
}

export type ParameterView = {
  name: string
  type: string | null
  mandatory: boolean
}

export type ParamsToInherit = {
  paramsToCopy?: string[]
  withoutParams?: string[]
}

export type PlaceView = {
  node: string
  name: string
  stage: string | null
  count: number
}

export type Preview = {
  operation: "DISMISS" | "HOLD" | "RETRY" | "SET_VARIABLES" | "TERMINATE" | "UNHOLD"
  token?: string | null
  retries?: number | null
  variables?: Record<string, unknown> | null
}

export type PreviewEvent = {
  event: string
  data: Record<string, unknown>
}

export type PreviewView = {
  instance: InstanceView
  events: PreviewEvent[]
  eventsMore: number
  ended: EndedWait[]
  endedMore: number
}

export type Problem = {
  title: string
  status: number
  detail: string
  errorKey: string
  defaultMessage: string
  type?: string
  instance?: string | null
  requestId?: string | null
  errors?: FieldError[] | null
  missing?: string[] | null
  problems?: DefinitionProblem[] | null
  state?: string | null
  line?: number | null
  column?: number | null
  allow?: string[] | null
  accept?: string[] | null
  retryAfter?: number | null
}

export type Progress = {
  instance: string
  rootInstance: string
  processDefinitionName: string
  version: number
  at: string
  seq: number
  token: string
  parentToken: string | null
  node: string
  state: string
  statusCurrentNode: string
}

export type ProgressView = {
  instance: string
  processDefinitionName: string
  processTitle: string
  businessKey: string | null
  state: "CREATED" | "STARTED" | "ON_HOLD" | "FINISHED" | "FAILED" | "TERMINATED" | "DISMISSED" | "EXPIRED" | "ABORTED"
  dateStarted: string
  dateEnded: string | null
  stages: StageProgress[]
  seq: number
  allowed: Record<string, boolean | string>
}

export type Ready = {
  status: string
  checks: Record<string, string>
}

export type RecordView = {
  state: "waiting" | "published" | "received" | "letter"
  at: string
  seq: number | null
  node: string | null
  topic: string
  name: string
  record?: string | null
  key?: string | null
  headers?: HeaderView[] | null
  value?: unknown
  partition?: number | null
  offset?: number | null
  letter?: string | null
  letterState?: string | null
  title?: string | null
}

export type Report = {
  id: string
  token: number
  outcome: "complete" | "error" | "extend" | "fail" | "release"
  variables?: Record<string, unknown>
  message?: string
  retries?: number | null
  backoffMs?: number
  code?: string
  lockMs?: number
}

export type ReportAnswer = {
  id: string
  status: number
  problem?: Problem | null
}

export type Reports = {
  reports: Report[]
}

export type Result = {
  token: number
  variables?: Record<string, unknown>
}

export type Resync = {
  lastEventId: string
}

export type Retry = {
  retries?: number
  reason?: string
}

export type Return = {
  token: number
}

export type SettingsView = {
  expiry: string | null
  zone: string
  generalData: unknown
}

export type SignalBody = {
  name: string
  variables?: Record<string, unknown>
}

export type StageProgress = {
  name: string
  state: "done" | "current" | "failed" | "next" | "skipped"
  since: string | null
  until: string | null
  steps: StepProgress[]
}

export type StartBody = {
  startCondition?: string | null
  businessKey?: string | null
  flowName?: string | null
}

export type StartView = {
  node: string
  name: string
  description: string
  condition: string | null
  trigger: string
  parameters: ParameterView[]
  form: string | null
  schema: Record<string, unknown> | null
  allowed: boolean | string
}

export type StatusChange = {
  instance: string
  rootInstance: string
  processDefinitionName: string
  version: number
  at: string
  seq: number
  status: "CREATED" | "STARTED" | "ON_HOLD" | "FINISHED" | "FAILED" | "TERMINATED" | "DISMISSED" | "EXPIRED" | "ABORTED"
}

export type StepProgress = {
  name: string
  state: "done" | "current" | "failed" | "next" | "skipped"
  since: string | null
  until: string | null
  lane: string | null
  assignee?: string | null
}

export type TaskChange = {
  instance: string
  rootInstance: string
  processDefinitionName: string
  version: number
  at: string
  seq: number
  processTitle: string
  businessKey: string | null
  task: string
  change: string
  token: string
  node: string
  stage: string | null
  name: string
  lane: string | null
  assignee: string | null
  candidateRoles: string[]
  candidateUsers: string[]
  dateCreated: string
  due: string | null
  followUp: string | null
  priority: number
  form: string | null
}

export type TaskFormView = {
  task: TaskView
  source: string | null
  schema: Record<string, unknown> | null
  data: Record<string, unknown>
  instructions: string
  draft: Record<string, unknown> | null
  draftDate: string | null
}

export type TaskView = {
  id: string
  instance: string
  processDefinitionName: string
  processTitle: string
  version: number
  businessKey: string | null
  startedBy: string | null
  dateStarted: string
  node: string
  stage: string | null
  name: string
  lane: string | null
  state: string
  assignee: string | null
  candidateRoles: string[]
  candidateUsers: string[]
  dateCreated: string
  due: string | null
  followUp: string | null
  priority: number
  form: string | null
  seq: number
  allowed: Record<string, boolean | string>
}

export type TokenView = {
  id: string
  parentTokenId: string | null
  version: number
  state: string
  statusCurrentNode: string
  startNodeId: string
  currentNodeId: string
  currentNodeName: string
  syncNodeTokensCount: number
  syncNodeTokensFinished: number
  dateUpdated: string
  nodesActionStates?: Record<string, unknown>[]
  backSeq?: Record<string, string[]>
}

export type TopicUse = {
  topic: string
  name: string
  node: string
  nodeName: string
}

export type TopicView = {
  topic: string
  name: string
  title: string
  direction: "in" | "out"
  partitions: number | null
  lag: number | null
  received: FlowView
  sent: FlowView
  waiting: number
  waitingSince: string | null
  deadLetters: number
}

export type UserBody = {
  roles: string[]
  password?: string | null
}

export type UserView = {
  name: string
  roles?: string[]
}
