/** A form made of a JSON schema: it says what is asked for, checks what is typed, and gives what is to be sent. */
import './forms.css'
import { Alert, Anchor, Text } from '@mantine/core'
import { IconAlertCircle } from '@tabler/icons-react'
import { useEffect, useImperativeHandle, useMemo, useRef, useState, type FormEvent, type KeyboardEvent, type ReactNode, type Ref } from 'react'
import { isObject } from '../api/json'
import { t } from '../texts'
import { checkerOf, fieldAt, mistakes, type Checker, type Mistakes } from './check'
import { rootField, type Schema } from './field'
import { FieldView, FormContext } from './fields'
import { above, elementId } from './pointer'
import { begin, checkable, clean, staying, valueAt, withValue } from './values'

export type { Schema } from './field'

export type SchemaFormHandle = { values: () => Record<string, unknown> }

type Props = {
  /** Of the `<form>`: buttons elsewhere may submit it. */
  id: string
  schema: Schema
  /** Values to begin with. What the schema does not name is not shown and not sent. */
  initial: Record<string, unknown>
  readOnly?: boolean
  /** What the server found wrong, with pointers into the data. */
  problems?: { pointer: string; message: string }[]
  handle?: Ref<SchemaFormHandle>
  /** What would be sent by now, on each change. */
  onChange?: (values: Record<string, unknown>) => void
  onSubmit: (values: Record<string, unknown>) => void
  /** Below the fields: the buttons. */
  children?: ReactNode
}

export function SchemaForm({ id, schema, initial, readOnly = false, problems, handle, onChange, onSubmit, children }: Props) {
  const field = useMemo(() => rootField(schema), [schema])
  const [before] = useState(initial)
  const [typed, setTyped] = useState(() => begin(field, initial))
  const [wrong, setWrong] = useState<Mistakes>(() => new Map())
  const [summary, setSummary] = useState<string[]>([])
  const [told, setTold] = useState<Props['problems']>(undefined)
  const current = useRef(typed)
  const checker = useRef<Promise<Checker> | null>(null)
  const summaryElement = useRef<HTMLDivElement>(null)
  const [shownSummary, setShownSummary] = useState(0)

  if (problems !== told) {
    setTold(problems)
    if (problems?.length) {
      setWrong(new Map(problems.map(({ pointer, message }) => [pointer, t.forms.refused(message)])))
      setSummary(problems.map(({ pointer }) => pointer))
      setShownSummary((count) => count + 1)
    }
  }

  const ready = () => (checker.current ??= checkerOf(schema))
  useEffect(() => {
    checker.current = checkerOf(schema)
    // a form can be filled in without it: it is asked for again when it is needed
    checker.current.catch(() => (checker.current = null))
  }, [schema])
  useEffect(() => {
    if (shownSummary > 0) summaryElement.current?.focus()
  }, [shownSummary])

  const cleaned = (value: unknown) => {
    const found = clean(field, value, before)
    return isObject(found) ? found : {}
  }
  useImperativeHandle(handle, () => ({ values: () => cleaned(current.current) }))

  async function check(): Promise<Mistakes> {
    const value = current.current
    try {
      const check = await ready()
      return mistakes(field, check, checkable(cleaned(value), staying(field, value, before)) ?? {}, value)
    } catch {
      return new Map() // a schema that the validator cannot read, or a validator that did not load: the server checks all the same
    }
  }

  const set = (pointer: string, value: unknown) => {
    current.current = withValue(current.current, pointer, value)
    setTyped(current.current)
    setWrong((found) => (found.size ? new Map([...found].filter(([place]) => place !== pointer && !place.startsWith(`${pointer}/`))) : found))
    onChange?.(cleaned(current.current))
  }

  const leave = (pointer: string) => {
    if (readOnly) return
    void check().then((found) =>
      setWrong((shown) => {
        const message = found.get(pointer)
        if (message === shown.get(pointer)) return shown
        const next = new Map(shown)
        if (message === undefined) next.delete(pointer)
        else next.set(pointer, message)
        return next
      }),
    )
  }

  async function submit(event: FormEvent) {
    event.preventDefault()
    if (readOnly) return
    const found = await check()
    setWrong(found)
    setSummary([...found.keys()])
    if (found.size > 0) setShownSummary((count) => count + 1)
    else onSubmit(cleaned(current.current))
  }

  const open = summary.filter((pointer) => wrong.has(pointer))
  return (
    // the keys are for the fields inside: Enter never sends, Ctrl Enter does
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <form id={id} noValidate className="form" onSubmit={(event) => void submit(event)} onKeyDown={press}>
      {open.length > 0 && (
        <Alert ref={summaryElement} tabIndex={-1} color="red" variant="light" role="alert" className="form-summary" icon={<IconAlertCircle aria-hidden />} title={t.forms.summary(open.length)}>
          <ul>
            {open.map((pointer) => (
              <li key={pointer}>
                <Anchor href={`#${elementId(id, pointer)}`} size="sm" c="inherit" underline="always" onClick={(event) => { event.preventDefault(); focusField(id, pointer) }}>
                  {pointer === '' ? wrong.get(pointer) : `${fieldAt(field, pointer).title || t.forms.itemTitle}: ${wrong.get(pointer)}`}
                </Anchor>
              </li>
            ))}
          </ul>
        </Alert>
      )}
      <FormContext value={{ id, readOnly, before, wrong, valueAt: (pointer) => valueAt(typed, pointer), set, leave }}>
        <div className="form-fields">
          {field.kind === 'object' || !isEmpty(schema) ? <FieldView field={field} pointer="" required={false} root /> : <Text c="dimmed">{t.forms.empty}</Text>}
        </div>
      </FormContext>
      {children}
    </form>
  )
}

/** Enter in a field never sends, Ctrl Enter does. */
function press(event: KeyboardEvent<HTMLFormElement>) {
  if (event.key !== 'Enter') return
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault()
    event.currentTarget.requestSubmit()
  } else if (event.target instanceof HTMLInputElement) event.preventDefault()
}

/** Whether a schema asks for nothing at all. */
function isEmpty(schema: Schema): boolean {
  return schema.additionalProperties === false || (isObject(schema.properties) && Object.keys(schema.properties).length === 0)
}

/** The control of a place, else of what is around it. */
function focusField(form: string, pointer: string): void {
  for (let place = pointer; ; place = above(place)) {
    const element = document.getElementById(elementId(form, place))
    const control = element?.matches('input, textarea, button') ? element : element?.querySelector<HTMLElement>('input:not([type=hidden]), textarea, button')
    if (control) {
      control.focus()
      control.scrollIntoView({ block: 'center' })
      return
    }
    if (place === '') return
  }
}
