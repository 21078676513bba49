/** Adding process files: choosing them, what became of them, or what is wrong with them. */
import '@mantine/core/styles/InlineInput.css'
import '@mantine/core/styles/CheckboxIndicator.css'
import '@mantine/core/styles/Checkbox.css'
import { Alert, Button, Checkbox, CloseButton, Code, Group, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck, IconInfoCircle, IconUpload } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useRef, useState, type ChangeEvent, type DragEvent } from 'react'
import { call } from '../../api/client'
import { asProblem } from '../../api/problem'
import type { DefinitionView, Deployed } from '../../api/types'
import { useMe } from '../../app/session'
import { ActButton } from '../../parts/ActButton'
import { Page } from '../../parts/Page'
import { t } from '../../texts'
import { ChangeDialog } from './change'
import { bodyOf, choose, fromDrop, fromInput, type Choice, type Chosen } from './files'
import { freshOf } from './fresh'
import { Problems } from './Problems'
import { VersionBadge } from './VersionBadge'
import './definitions.css'

const crumbs = [{ label: t.definitions.title, to: '/definitions' }]
/** Not known to React's types. */
const FOLDER = { webkitdirectory: '' }
const NOTHING: Choice = { files: [], leftOut: [], zipAlone: false }

export function Import() {
  const me = useMe()
  const client = useQueryClient()
  const [choice, setChoice] = useState(NOTHING)
  const [publish, setPublish] = useState(false)
  const importing = useMutation({
    mutationFn: async () => {
      const { body, file } = bodyOf(choice.files)
      let created = false
      const { items } = await call<Deployed>('POST', '/api/definitions', { body, query: { publish: publish || undefined, file }, answered: (status) => { created = status === 201 } })
      return { items, fresh: new Set([...freshOf(items, created)].map((item) => item.id)) }
    },
    onSuccess: () => Promise.all([client.invalidateQueries({ queryKey: ['definitions'] }), client.invalidateQueries({ queryKey: ['definition'] })]),
  })
  const problem = importing.error ? asProblem(importing.error) : null
  const again = () => {
    importing.reset()
    setChoice(NOTHING)
  }
  const add = (more: Chosen[]) => {
    if (more.length === 0) return
    importing.reset()
    setChoice((before) => choose(before.files, more))
  }

  return (
    <Page title={t.definitions.importing.title} crumbs={crumbs}>
      {importing.data ? (
        <Results items={importing.data.items} fresh={importing.data.fresh} more={again} />
      ) : problem !== null && problem.problems.length > 0 ? (
        <Problems problems={problem.problems} files={choice.files} again={again} />
      ) : (
        <div className="importing">
          <Text size="sm">{t.definitions.importing.lead}</Text>
          <Drop add={add} />
          {choice.leftOut.length > 0 && (
            <Alert color="yellow" variant="light" icon={<IconInfoCircle aria-hidden />} role="status">
              {t.definitions.importing.leftOut(choice.leftOut.join(', '))}
            </Alert>
          )}
          {choice.zipAlone && (
            <Alert color="yellow" variant="light" icon={<IconInfoCircle aria-hidden />} role="status">
              {t.definitions.importing.zipAlone}
            </Alert>
          )}
          {choice.files.length > 0 && <Files files={choice.files} remove={(path) => setChoice({ ...NOTHING, files: choice.files.filter((each) => each.path !== path) })} />}
          {problem !== null && (
            <Alert color="red" variant="light" role="alert" icon={<IconAlertTriangle aria-hidden />} title={t.definitions.importing.failed}>
              <Text size="sm">{problem.status === 0 ? t.app.failure.offline : problem.detail || problem.title}</Text>
              {problem.requestId && (
                <Text size="xs">
                  {t.app.failure.request} <Code>{problem.requestId}</Code>
                </Text>
              )}
            </Alert>
          )}
          <Checkbox checked={publish} onChange={(event) => setPublish(event.currentTarget.checked)} label={t.definitions.importing.publish} description={t.definitions.importing.publishHint} />
          <Group>
            {me.allowed.deploy === true ? (
              <Button leftSection={<IconUpload size={16} aria-hidden />} disabled={choice.files.length === 0} loading={importing.isPending} onClick={() => importing.mutate()}>
                {problem === null ? t.definitions.importing.submit : t.definitions.importing.retry}
              </Button>
            ) : (
              <ActButton allowed={me.allowed.deploy} leftSection={<IconUpload size={16} aria-hidden />}>
                {t.definitions.importing.submit}
              </ActButton>
            )}
          </Group>
        </div>
      )}
    </Page>
  )
}

function Drop({ add }: { add: (files: Chosen[]) => void }) {
  const words = t.definitions.importing
  const [over, setOver] = useState(false)
  const files = useRef<HTMLInputElement>(null)
  const folder = useRef<HTMLInputElement>(null)
  const take = (event: ChangeEvent<HTMLInputElement>) => {
    add(fromInput(event.currentTarget.files))
    event.currentTarget.value = '' // the same file may be chosen again, once it is mended
  }
  const drag = (event: DragEvent) => {
    event.preventDefault()
    setOver(true)
  }
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    void fromDrop(event.dataTransfer).then(add)
  }
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the buttons inside do the same
    <div className="drop" role="group" aria-label={words.drop} data-over={over || undefined} onDragOver={drag} onDragLeave={() => setOver(false)} onDrop={drop}>
      <IconUpload size={30} stroke={1.4} aria-hidden />
      <Text fw={600}>{words.drop}</Text>
      <Text size="sm" c="dimmed">
        {words.accepted}
      </Text>
      <Group gap="xs" justify="center">
        <Button variant="default" onClick={() => files.current?.click()}>
          {words.files}
        </Button>
        <Button variant="default" onClick={() => folder.current?.click()}>
          {words.folder}
        </Button>
      </Group>
      <input ref={files} type="file" hidden multiple accept=".bpmn,.xml,.json,.zip" aria-label={words.files} onChange={take} />
      <input ref={folder} type="file" hidden multiple {...FOLDER} aria-label={words.folder} onChange={take} />
    </div>
  )
}

function Files({ files, remove }: { files: Chosen[]; remove: (path: string) => void }) {
  return (
    <ul className="plain-list" aria-label={t.definitions.importing.chosen}>
      {files.map(({ path, file }) => (
        <li key={path} className="file-row">
          <span className="mono">{path}</span>
          <Group gap="xs" wrap="nowrap">
            <Text size="xs" c="dimmed" className="tabular">
              {t.definitions.importing.size(file.size)}
            </Text>
            <CloseButton aria-label={t.definitions.importing.remove(path)} onClick={() => remove(path)} />
          </Group>
        </li>
      ))}
    </ul>
  )
}

function Results({ items, fresh, more }: { items: DefinitionView[]; fresh: ReadonlySet<string>; more: () => void }) {
  const words = t.definitions.importing
  const [changed, setChanged] = useState<Record<string, DefinitionView>>({})
  const [wanted, setWanted] = useState<DefinitionView>()
  return (
    <div className="importing">
      <Alert color={fresh.size ? 'green' : 'blue'} variant="light" role="status" icon={fresh.size ? <IconCircleCheck aria-hidden /> : <IconInfoCircle aria-hidden />} title={fresh.size ? words.done(fresh.size) : words.doneSame} />
      <ul className="plain-list" aria-label={words.results}>
        {items.map((before) => {
          const item = changed[before.id] ?? before
          return (
            <li key={item.id} className="result">
              <Stack gap={2} className="result-words">
                <Group gap="xs">
                  <Link to="/definitions/$name" params={{ name: item.name }} search={{ v: item.version }} className="link">
                    {item.title || item.name}
                  </Link>
                  <VersionBadge state={item.state} />
                </Group>
                <Text size="sm" c="dimmed">
                  {fresh.has(item.id) ? words.fresh(item.version) : words.same(item.version)}
                </Text>
              </Stack>
              {item.state !== 'published' && (
                <ActButton size="xs" allowed={item.allowed.publish} onClick={() => setWanted(item)}>
                  {t.definitions.one.publish}
                </ActButton>
              )}
            </li>
          )
        })}
      </ul>
      <Group>
        <Button variant="default" onClick={more}>
          {words.more}
        </Button>
      </Group>
      <ChangeDialog wanted={wanted && { change: 'publish', version: wanted }} close={() => setWanted(undefined)} done={(now) => setChanged((before) => ({ ...before, [now.id]: now }))} />
    </div>
  )
}
