/** The controls of a form: one for each kind of field. */
import '@mantine/core/styles/InlineInput.css'
import '@mantine/core/styles/CheckboxIndicator.css'
import '@mantine/core/styles/Checkbox.css'
import '@mantine/core/styles/NumberInput.css'
import '@mantine/core/styles/Fieldset.css'
import '@mantine/core/styles/RadioIndicator.css'
import '@mantine/core/styles/Radio.css'
import { Button, Checkbox, Fieldset, Group, Input, NumberInput, Radio, Select, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core'
import { IconEyeOff, IconPlus, IconTrash } from '@tabler/icons-react'
import { createContext, useContext, useRef, useState, type FocusEvent, type ReactNode } from 'react'
import { same } from '../api/json'
import { t } from '../texts'
import { isRequired, itemOf, propertiesOf, words, type Field } from './field'
import { elementId, under } from './pointer'
import { isMasked, jsonText, localText, MASK, newItem, numberText, toInstant, toJson, toNumber, toTime, Unread, valueAt } from './values'

type Form = {
  id: string
  readOnly: boolean
  before: unknown
  wrong: Map<string, string>
  valueAt: (pointer: string) => unknown
  set: (pointer: string, value: unknown) => void
  leave: (pointer: string) => void
}

export const FormContext = createContext<Form | null>(null)

function useForm(): Form {
  const form = useContext(FormContext)
  if (form === null) throw new Error('a field needs its form')
  return form
}

/** More answers than that are chosen from a list. */
const RADIOS = 4

type Props = {
  field: Field
  pointer: string
  required: boolean
  /** The whole form: without a frame and a title of its own. */
  root?: boolean
  /** Instead of the title of the field: of rows. */
  title?: string
}

export function FieldView(props: Props) {
  const { field, pointer } = props
  const form = useForm()
  const value = form.valueAt(pointer)
  const before = valueAt(form.before, pointer)
  if (value === MASK && before === MASK) return <Masked {...props} />
  if (field.kind === 'list' && isMasked(before)) return <Hidden title={props.title ?? field.title} note={t.forms.maskedList} />
  const control = (
    <Control key={pointer} {...props} value={value} />
  )
  if (before !== MASK || form.readOnly) return control
  return (
    <div>
      {control}
      <Button size="compact-xs" variant="subtle" mt={4} onClick={() => form.set(pointer, MASK)} aria-label={t.forms.keepOf(field.title)}>
        {t.forms.keep}
      </Button>
    </div>
  )
}

function Masked({ field, pointer, title = field.title, required }: Props) {
  const form = useForm()
  const id = elementId(form.id, pointer)
  return (
    <Hidden title={title} required={required && !form.readOnly} note={form.readOnly || field.readOnly ? undefined : t.forms.masked}>
      {!form.readOnly && !field.readOnly && (
        <Button
          id={id} size="compact-sm" variant="default" aria-label={t.forms.changeOf(title)}
          onClick={() => {
            form.set(pointer, undefined)
            setTimeout(() => focusInside(id)) // once the control is there
          }}
        >
          {t.forms.change}
        </Button>
      )}
    </Hidden>
  )
}

function Hidden({ title, note, required = false, children }: { title: string; note?: string; required?: boolean; children?: ReactNode }) {
  return (
    <div>
      <Input.Label labelElement="div" required={required}>{title}</Input.Label>
      {note && <Input.Description mb={4}>{note}</Input.Description>}
      <div className="form-mask">
        <Group gap={6} wrap="nowrap">
          <IconEyeOff size={16} aria-hidden />
          <span aria-hidden>•••</span>
          <span className="unseen">{t.forms.maskedValue}</span>
        </Group>
        {children}
      </div>
    </div>
  )
}

function focusInside(id: string): void {
  const element = document.getElementById(id)
  const control = element?.matches('input, textarea, button') ? element : element?.querySelector<HTMLElement>('input, textarea, button')
  control?.focus()
}

type ControlProps = Props & { value: unknown }

function Control(props: ControlProps) {
  const { field } = props
  const form = useForm()
  const readOnly = form.readOnly || field.readOnly
  switch (field.kind) {
    case 'object':
      return <ObjectField {...props} />
    case 'list':
      return <ListField {...props} readOnly={readOnly} />
    case 'text':
    case 'longText':
      return <TextField {...props} readOnly={readOnly} />
    case 'number':
    case 'integer':
      return <NumberField {...props} readOnly={readOnly} />
    case 'json':
      return <JsonField {...props} readOnly={readOnly} />
    case 'constant':
      return <Told {...props} text={words(field.schema.const)} />
    case 'boolean':
      if (readOnly) return <Told {...props} text={props.value === true ? t.forms.yes : props.value === false ? t.forms.no : ''} />
      return <BooleanField {...props} />
    case 'confirm':
      if (readOnly) return <Told {...props} text={props.value === true ? t.forms.yes : ''} />
      return <ConfirmField {...props} />
    case 'choice':
      if (readOnly) return <Told {...props} text={labelFor(field, props.value)} />
      return field.options.length <= RADIOS ? <RadioField {...props} options={field.options} /> : <SelectField {...props} />
    case 'choices':
      if (readOnly) return <Told {...props} text={Array.isArray(props.value) ? props.value.map((each: unknown) => labelFor(field, each)).join(', ') : ''} />
      return <ChoicesField {...props} />
  }
}

function labelFor(field: Field, value: unknown): string {
  return field.options.find((option) => same(option.value, value))?.label ?? (value === undefined || value === null ? '' : words(value))
}

/** What all controls have in common. */
function useCommon({ field, pointer, required, title = field.title }: Props, readOnly: boolean) {
  const form = useForm()
  return {
    id: elementId(form.id, pointer),
    label: title,
    description: field.description || undefined,
    error: form.wrong.get(pointer),
    // the words of the browser are not ours: what is needed is said by the form
    required: required && !readOnly,
    onBlur: ({ relatedTarget }: FocusEvent) => {
      // a message that appears while a button is pressed would move it away from below the pointer
      if (!(relatedTarget instanceof Element && relatedTarget.closest('button, a'))) form.leave(pointer)
    },
  }
}

/** A value that is only read. */
function Told({ text, ...props }: Props & { text: string }) {
  const common = useCommon(props, true)
  return <TextInput {...common} readOnly value={text} placeholder={t.forms.none} onBlur={undefined} />
}

function TextField(props: ControlProps & { readOnly: boolean }) {
  const { field, pointer, value, readOnly } = props
  const form = useForm()
  const common = useCommon(props, readOnly)
  const { input } = field
  const shown = input === 'datetime-local' ? localText(value) : input === 'time' && typeof value === 'string' ? value.slice(0, 5) : value instanceof Unread ? value.text : value === undefined || value === null ? '' : words(value)
  const change = (text: string) => form.set(pointer, input === 'datetime-local' ? toInstant(text) : input === 'time' ? toTime(text) : text === '' ? undefined : text)
  const placeholder = readOnly ? t.forms.none : field.placeholder || undefined
  if (field.kind === 'longText') return <Textarea {...common} readOnly={readOnly} value={shown} placeholder={placeholder} onChange={(event) => change(event.currentTarget.value)} autosize minRows={3} maxRows={14} />
  return (
    <TextInput
      {...common} readOnly={readOnly} value={shown} placeholder={placeholder} onChange={(event) => change(event.currentTarget.value)}
      type={readOnly && shown === '' ? 'text' : input} autoComplete={input === 'email' ? 'email' : 'off'} maw={input === 'date' || input === 'time' || input === 'datetime-local' ? 260 : undefined}
    />
  )
}

function NumberField(props: ControlProps & { readOnly: boolean }) {
  const { field, pointer, value, readOnly } = props
  const form = useForm()
  const [text, setText] = useState('')
  // what was typed, as it was typed, while it is what is meant
  const shown = value !== undefined && same(plain(toNumber(text)), plain(value)) ? text : numberText(value)
  const { schema } = field
  return (
    <NumberInput
      {...useCommon(props, readOnly)}
      readOnly={readOnly} value={shown} clampBehavior="none" allowDecimal={field.kind === 'number'} inputMode={field.kind === 'number' ? 'decimal' : 'numeric'} maw={260}
      placeholder={readOnly ? t.forms.none : field.placeholder || undefined} trimLeadingZeroesOnBlur={false} hideControls={readOnly}
      min={typeof schema.minimum === 'number' ? schema.minimum : undefined} max={typeof schema.maximum === 'number' ? schema.maximum : undefined} step={typeof schema.multipleOf === 'number' ? schema.multipleOf : 1}
      onValueChange={({ value: next }, { source }) => {
        if (String(source) === 'prop') return
        setText(next)
        form.set(pointer, toNumber(next))
      }}
    />
  )
}

function plain(value: unknown): unknown {
  return value instanceof Unread ? value.text : value
}

function JsonField(props: ControlProps & { readOnly: boolean }) {
  const { field, pointer, value, readOnly, root } = props
  const form = useForm()
  const [text, setText] = useState(() => jsonText(value))
  const meant = toJson(text)
  const shown = same(plain(meant), plain(value)) ? text : jsonText(value)
  const common = useCommon({ ...props, title: props.title ?? (field.title || (root ? t.forms.jsonTitle : t.forms.itemTitle)) }, readOnly)
  return (
    <Textarea
      {...common} description={[field.description, readOnly ? '' : t.forms.json].filter(Boolean).join(' ')} readOnly={readOnly} value={shown} autosize minRows={3} maxRows={20} spellCheck={false} classNames={{ input: 'mono' }}
      onChange={(event) => {
        setText(event.currentTarget.value)
        form.set(pointer, toJson(event.currentTarget.value))
      }}
    />
  )
}

function BooleanField(props: ControlProps) {
  const { field, pointer, required, value } = props
  const form = useForm()
  const common = useCommon(props, false)
  // where nothing is said beforehand, "no" is to be an answer too
  const [asked] = useState(required && typeof value !== 'boolean')
  if (asked)
    return <RadioField {...props} options={[{ value: true, label: t.forms.yes }, { value: false, label: t.forms.no }]} />
  return (
    <Switch
      id={common.id} label={common.label} description={common.description} error={common.error} checked={value === true}
      onChange={(event) => form.set(pointer, event.currentTarget.checked)} onBlur={common.onBlur} aria-required={field.nullable ? undefined : required || undefined}
    />
  )
}

function ConfirmField(props: ControlProps) {
  const { pointer, value, required } = props
  const form = useForm()
  const common = useCommon(props, false)
  return (
    <Checkbox
      id={common.id} description={common.description} error={common.error} checked={value === true} aria-required={required || undefined}
      label={<>{common.label}{required && <Text span c="red" aria-hidden inherit>{' *'}</Text>}</>}
      onChange={(event) => form.set(pointer, event.currentTarget.checked || undefined)} onBlur={common.onBlur}
    />
  )
}

function RadioField({ options, ...props }: ControlProps & { options: Field['options'] }) {
  const { pointer, value, required } = props
  const form = useForm()
  const { onBlur, id, ...common } = useCommon(props, false)
  const chosen = options.findIndex((option) => same(option.value, value))
  return (
    <div id={id} onBlur={(event) => { if (!event.currentTarget.contains(event.relatedTarget)) onBlur(event) }}>
      <Radio.Group {...common} name={id} value={chosen < 0 ? '' : String(chosen)} onChange={(index) => form.set(pointer, options[Number(index)]?.value)}>
        <Group gap="lg" mt={4}>
          {options.map((option, index) => <Radio key={words(option.value)} value={String(index)} label={option.label} />)}
          {!required && chosen >= 0 && (
            <Button size="compact-xs" variant="subtle" onClick={() => form.set(pointer, undefined)} aria-label={t.forms.clearOf(common.label)}>
              {t.forms.clear}
            </Button>
          )}
        </Group>
      </Radio.Group>
    </div>
  )
}

function SelectField(props: ControlProps) {
  const { field, pointer, value, required } = props
  const form = useForm()
  const chosen = field.options.findIndex((option) => same(option.value, value))
  return (
    <Select
      {...useCommon(props, false)} data={field.options.map((option, index) => ({ value: String(index), label: option.label }))} value={chosen < 0 ? null : String(chosen)} searchable clearable={!required}
      placeholder={field.placeholder || undefined} nothingFoundMessage={t.forms.noMatch} clearButtonProps={{ 'aria-label': t.forms.clearOf(field.title) }} maw={420}
      onChange={(index) => form.set(pointer, index === null ? undefined : field.options[Number(index)]?.value)}
    />
  )
}

function ChoicesField(props: ControlProps) {
  const { field, pointer, value } = props
  const form = useForm()
  const { onBlur, id, ...common } = useCommon(props, false)
  const given: unknown[] = Array.isArray(value) ? value : []
  const chosen = field.options.flatMap((option, index) => (given.some((each) => same(each, option.value)) ? [String(index)] : []))
  return (
    <div id={id} onBlur={(event) => { if (!event.currentTarget.contains(event.relatedTarget)) onBlur(event) }}>
      <Checkbox.Group {...common} value={chosen} onChange={(indices) => form.set(pointer, field.options.filter((_, index) => indices.includes(String(index))).map((option) => option.value))}>
        <Stack gap={4} mt={4}>
          {field.options.map((option, index) => <Checkbox key={words(option.value)} value={String(index)} label={option.label} />)}
        </Stack>
      </Checkbox.Group>
    </div>
  )
}

function ObjectField({ field, pointer, root, title = field.title }: ControlProps) {
  const form = useForm()
  const error = form.wrong.get(pointer)
  const inner = propertiesOf(field).map(([name, each]) => <FieldView key={name} field={each} pointer={under(pointer, name)} required={isRequired(field, name) && !form.readOnly} />)
  if (root)
    return inner.length ? inner : <Text c="dimmed">{t.forms.empty}</Text>
  return (
    <Fieldset legend={title} id={elementId(form.id, pointer)} aria-describedby={error && `${elementId(form.id, pointer)}-error`}>
      {field.description && <Text size="sm" c="dimmed" mb="sm">{field.description}</Text>}
      {error && <Input.Error id={`${elementId(form.id, pointer)}-error`} mb="sm">{error}</Input.Error>}
      <div className="form-fields">{inner}</div>
    </Fieldset>
  )
}

function ListField({ field, pointer, value, readOnly, title = field.title }: ControlProps & { readOnly: boolean }) {
  const form = useForm()
  const [said, setSaid] = useState('')
  const adding = useRef<HTMLButtonElement>(null)
  const id = elementId(form.id, pointer)
  const rows: unknown[] = Array.isArray(value) ? value : []
  const item = itemOf(field)
  const error = form.wrong.get(pointer)
  const { maxItems } = field.schema
  const nameOf = (index: number) => t.forms.item(item.title || t.forms.itemTitle, index + 1)
  return (
    <Fieldset legend={title} id={id} aria-describedby={error && `${id}-error`}>
      {field.description && <Text size="sm" c="dimmed" mb="sm">{field.description}</Text>}
      {error && <Input.Error id={`${id}-error`} mb="sm">{error}</Input.Error>}
      <div className="form-fields">
        {rows.length === 0 && <Text size="sm" c="dimmed">{t.forms.noItems}</Text>}
        {rows.map((_, index) => (
          // rows have no name of their own, and keep nothing but their values
          // oxlint-disable-next-line react/no-array-index-key
          <div key={index} className="form-row">
            <FieldView field={item} pointer={under(pointer, index)} required={false} title={nameOf(index)} />
            {!readOnly && (
              <Button
                size="compact-sm" variant="subtle" color="gray" aria-label={t.forms.removeItem(nameOf(index))} leftSection={<IconTrash size={14} aria-hidden />}
                onClick={() => {
                  form.set(pointer, rows.filter((_, each) => each !== index))
                  setSaid(t.forms.removed(nameOf(index)))
                  adding.current?.focus()
                }}
              >
                {t.forms.remove}
              </Button>
            )}
          </div>
        ))}
        {!readOnly && (
          <Button
            ref={adding} variant="default" size="xs" leftSection={<IconPlus size={14} aria-hidden />} aria-label={t.forms.addTo(title)} disabled={typeof maxItems === 'number' && rows.length >= maxItems} style={{ alignSelf: 'start' }}
            onClick={() => {
              form.set(pointer, [...rows, newItem(field)])
              setSaid(t.forms.added(nameOf(rows.length)))
              setTimeout(() => focusInside(elementId(form.id, under(pointer, rows.length)))) // once the row is there
            }}
          >
            {t.forms.add}
          </Button>
        )}
      </div>
      <span role="status" className="unseen">{said}</span>
    </Fieldset>
  )
}
