/** What else is known of the case that a task belongs to. */
import { Button, Text, Title } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import type { TaskFormView as TaskForm } from '../../api/types'
import { isObject } from '../../api/json'
import { words } from '../../forms/field'
import { Ago } from '../../parts/Ago'
import { t } from '../../texts'
import { number } from '../../texts/format'
import { lines } from './known'
import { Who } from './parts'

const SHOWN = 12

export function Context({ form: { task, data, schema }, me }: { form: TaskForm; me: string }) {
  const [all, setAll] = useState(false)
  const asked = new Set(isObject(schema?.properties) ? Object.keys(schema.properties) : [])
  const known = lines(data, asked)
  const facts: [string, ReactNode][] = [
    [t.tasks.page.process, task.processTitle || task.processDefinitionName],
    ...(task.businessKey ? [[t.tasks.page.reference, task.businessKey] as [string, ReactNode]] : []),
    [t.tasks.page.startedBy, <Who key="by" name={task.startedBy ?? null} me={me} />],
    ...(task.dateStarted ? [[t.tasks.page.startedAt, <Ago key="at" at={task.dateStarted} />] as [string, ReactNode]] : []),
    ...(task.lane ? [[t.tasks.page.lane, task.lane] as [string, ReactNode]] : []),
    [t.tasks.page.assignee, <Who key="who" name={task.assignee} me={me} />],
    [t.tasks.page.waiting, <Ago key="since" at={task.dateCreated} />],
  ]
  return (
    <aside className="task-panel" aria-labelledby="task-context">
      <Title order={2} id="task-context" mb="sm">{t.tasks.page.context}</Title>
      <Facts facts={facts} />
      {known.length > 0 && (
        <>
          <Title order={3} mt="lg" mb="xs">{t.tasks.page.data}</Title>
          <Facts facts={known.slice(0, all ? known.length : SHOWN).map(({ name, value }) => [name, value === null ? <Text key="h" span inherit c="dimmed">••• <span className="unseen">{t.tasks.page.hidden}</span></Text> : shown(value)])} />
          {known.length > SHOWN && (
            <Button size="compact-sm" variant="subtle" mt="sm" aria-expanded={all} onClick={() => setAll(!all)}>
              {all ? t.tasks.page.showLess : t.tasks.page.showAll(known.length)}
            </Button>
          )}
        </>
      )}
    </aside>
  )
}

function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className="task-facts">
      {facts.map(([name, value]) => (
        <div key={name} style={{ display: 'contents' }}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function shown(value: unknown): string {
  if (typeof value === 'boolean') return value ? t.app.yes : t.app.no
  return typeof value === 'number' ? number(value) : words(value)
}
