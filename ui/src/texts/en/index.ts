import { app } from './app'
import { definitions } from './definitions'
import { diagram } from './diagram'
import { forms } from './forms'
import { instances } from './instances'
import { login } from './login'
import { requests } from './requests'
import { start } from './start'
import { status } from './status'
import { tasks } from './tasks'

export const en = { app, login, start, tasks, forms, diagram, status, instances, definitions, requests }

export type Texts = typeof en
