/** Data as a tree that opens: what a value is, all of it, and where it is. */
import { ActionIcon, CopyButton, Text, TextInput } from '@mantine/core'
import { IconCheck, IconChevronDown, IconChevronRight, IconCopy, IconPencil, IconSearch } from '@tabler/icons-react'
import { useState } from 'react'
import { isObject, isRaw } from '../api/json'
import { Hint } from './Hint'
import { t } from '../texts'
import { holds } from './search'

type Props = { data: Record<string, unknown>; edit?: (path: string[], value: unknown) => void }

const MASK = '***'
/** Levels that are open at first, and entries of a list that are shown at once. */
const OPEN = 2
const PART = 100

export function Tree({ data, edit }: Props) {
  const [query, setQuery] = useState('')
  const entries = Object.entries(data)
  const found = entries.filter(([name, value]) => holds(name, value, query.trim().toLowerCase()))
  if (entries.length === 0) return <Text c="dimmed" size="sm">{t.status.variables.none}</Text>
  return (
    <div className="tree">
      <div className="tree-head">
        <TextInput size="xs" placeholder={t.status.variables.filter} aria-label={t.status.variables.filter} leftSection={<IconSearch size={14} aria-hidden />} value={query} onChange={(event) => setQuery(event.currentTarget.value)} />
        <Copy label={t.status.variables.copyAll} text={JSON.stringify(data, null, 2)} />
      </div>
      {found.length === 0 && <Text c="dimmed" size="sm">{t.status.variables.noMatch}</Text>}
      <ul>
        {found.map(([name, value]) => (
          <Branch key={name} name={name} value={value} path={[name]} edit={edit} query={query} />
        ))}
      </ul>
    </div>
  )
}

function Branch({ name, value, path, edit, query }: { name: string; value: unknown; path: string[]; edit: Props['edit']; query: string }) {
  const [opened, setOpened] = useState<boolean | null>(null)
  const [shown, setShown] = useState(PART)
  const inner: [string, unknown][] | null = Array.isArray(value) ? value.map((item, index) => [String(index), item]) : isObject(value) ? Object.entries(value) : null
  const open = opened ?? (path.length < OPEN || query !== '')
  const editable = edit !== undefined && !path.some((step) => /^\d+$/.test(step)) && value !== MASK
  return (
    <li>
      <div className="tree-line mono">
        {inner !== null && inner.length > 0 ? (
          <ActionIcon size={24} variant="subtle" color="gray" aria-expanded={open} aria-label={open ? t.status.variables.collapse(name) : t.status.variables.expand(name)} onClick={() => setOpened(!open)}>
            {open ? <IconChevronDown size={14} /> : <IconChevronRight size={14} />}
          </ActionIcon>
        ) : (
          <span className="tree-gap" />
        )}
        <span className="tree-name">{name}</span>
        {inner === null ? (
          <Leaf value={value} />
        ) : (
          <span className="tree-count">{Array.isArray(value) ? t.status.variables.items(inner.length) : t.status.variables.fields(inner.length)}</span>
        )}
        <span className="tree-tools">
          <Copy label={t.status.variables.copy(name)} text={typeof value === 'string' ? value : JSON.stringify(value, null, 2)} />
          {editable && (
            <Hint label={t.status.variables.edit(name)}>
              <ActionIcon size={24} variant="subtle" color="gray" aria-label={t.status.variables.edit(name)} onClick={() => edit(path, value)}>
                <IconPencil size={14} />
              </ActionIcon>
            </Hint>
          )}
        </span>
      </div>
      {inner !== null && open && inner.length > 0 && (
        <ul>
          {inner.slice(0, shown).map(([key, item]) => (
            <Branch key={key} name={key} value={item} path={[...path, key]} edit={edit} query={query} />
          ))}
          {inner.length > shown && (
            <li>
              <button type="button" className="link plain" onClick={() => setShown(shown + PART)}>
                {t.app.loadMore} ({inner.length - shown})
              </button>
            </li>
          )}
        </ul>
      )}
    </li>
  )
}

function Leaf({ value }: { value: unknown }) {
  if (value === MASK) return <span className="tree-masked">{MASK} {t.status.variables.masked}</span>
  if (value === '') return <span className="tree-masked">{t.status.variables.empty}</span>
  const kind = typeof value === 'string' ? 'string' : typeof value === 'number' || isRaw(value) ? 'number' : 'other'
  return <span className={`tree-value tree-${kind}`}>{typeof value === 'string' ? `“${value}”` : JSON.stringify(value)}</span>
}

function Copy({ label, text }: { label: string; text: string }) {
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Hint label={copied ? t.app.copied : label}>
          <ActionIcon size={24} variant="subtle" color="gray" aria-label={label} onClick={copy}>
            {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
          </ActionIcon>
        </Hint>
      )}
    </CopyButton>
  )
}
