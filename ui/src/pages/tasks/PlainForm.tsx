/** A task without a form: it is completed as it is, or with data for those who know which. */
import { Text, Textarea } from '@mantine/core'
import { useImperativeHandle, useState, type KeyboardEvent, type ReactNode, type Ref } from 'react'
import { isObject } from '../../api/json'
import type { SchemaFormHandle } from '../../forms/SchemaForm'
import { jsonText, toJson, Unread } from '../../forms/values'
import { t } from '../../texts'

type Props = {
  id: string
  initial: Record<string, unknown>
  readOnly: boolean
  handle: Ref<SchemaFormHandle>
  onChange: (values: Record<string, unknown>) => void
  onSubmit: (values: Record<string, unknown>) => void
  children: ReactNode
}

export function PlainForm({ id, initial, readOnly, handle, onChange, onSubmit, children }: Props) {
  const [text, setText] = useState(() => (Object.keys(initial).length ? jsonText(initial) : ''))
  const [wrong, setWrong] = useState(false)
  const value = objectOf(text)
  useImperativeHandle(handle, () => ({ values: () => value ?? {} }))

  return (
    // the key is for the field inside
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <form
      id={id} noValidate className="form" onKeyDown={press}
      onSubmit={(event) => {
        event.preventDefault()
        setWrong(value === null)
        if (value !== null && !readOnly) onSubmit(value)
      }}
    >
      <Text>{t.tasks.page.noForm} <Text span inherit c="dimmed">{t.tasks.page.noFormHint}</Text></Text>
      <details open={text !== '' || undefined}>
        <summary>{t.tasks.page.advanced}</summary>
        <Textarea
          mt="sm" label={t.tasks.page.json} value={text} readOnly={readOnly} error={wrong && value === null ? t.tasks.page.jsonWrong : undefined} autosize minRows={4} maxRows={20} spellCheck={false} classNames={{ input: 'mono' }}
          onChange={(event) => {
            setText(event.currentTarget.value)
            const next = objectOf(event.currentTarget.value)
            if (next !== null) onChange(next)
          }}
        />
      </details>
      {children}
    </form>
  )
}

/** The object that a text says; nothing is an empty one. */
function objectOf(text: string): Record<string, unknown> | null {
  const value = toJson(text) ?? {}
  return isObject(value) && !(value instanceof Unread) ? value : null
}

function press(event: KeyboardEvent<HTMLFormElement>) {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
  event.preventDefault()
  event.currentTarget.requestSubmit()
}
