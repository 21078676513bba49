/** What is in a version of a process, each part on a tab. */
import { Button, CopyButton, Table, Text, Title } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { IconCopy } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { definitionXml } from '../../api/queries'
import type { DefinitionView as Definition, DefinitionDetail as Detail, NodeView as Node } from '../../api/types'
import { PHONE } from '../../app/layout'
import { stepName, typeInWords } from '../../diagram/words'
import { Ago } from '../../parts/Ago'
import { Failure } from '../../parts/Failure'
import { More } from '../../parts/More'
import { Waiting } from '../../parts/Waiting'
import { t } from '../../texts'
import { fieldsOf, type Field } from './schema'
import { VersionBadge } from './VersionBadge'

type Line = { key: string; current?: boolean; cells: ReactNode[] }

/** A table; on a phone a card for each line. The first cell says what the line is about. */
function Lines({ label, names, lines, width }: { label: string; names: string[]; lines: Line[]; width: number }) {
  const phone = useMediaQuery(PHONE, undefined, { getInitialValueInEffect: false })
  if (phone)
    return (
      <ul className="plain-list" aria-label={label}>
        {lines.map(({ key, current, cells }) => (
          <li key={key} className="line-card" aria-current={current || undefined}>
            <div>{cells[0]}</div>
            <dl className="facts">
              {cells.slice(1).map((cell, index) => (
                <div key={names[index + 1]} className="fact" hidden={cell === null}>
                  <dt>{names[index + 1]}</dt>
                  <dd>{cell}</dd>
                </div>
              ))}
            </dl>
          </li>
        ))}
      </ul>
    )
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- else it could not be scrolled by keys
    <div className="scroll-x" role="region" aria-label={label} tabIndex={0}>
      <Table miw={width}>
        <Table.Caption className="unseen">{label}</Table.Caption>
        <Table.Thead>
          <Table.Tr>
            {names.map((name) => (
              <Table.Th key={name} scope="col">
                {name}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {lines.map(({ key, current, cells }) => (
            <Table.Tr key={key} aria-current={current || undefined}>
              <Table.Th scope="row" fw={500}>
                {cells[0]}
              </Table.Th>
              {cells.slice(1).map((cell, index) => (
                <Table.Td key={names[index + 1]}>{cell ?? t.app.none}</Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  )
}

type PagesQuery = { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown }

export function Versions({ versions, shown, query }: { versions: Definition[]; shown: number; query: PagesQuery }) {
  const words = t.definitions.versions
  const lines = versions.map(({ id, name, version, state, dateDeployed, deployedBy, file }) => ({
    key: id,
    current: version === shown,
    cells: [
      version === shown ? (
        <span key="version">
          {t.app.version(version)}{' '}
          <Text span size="xs" c="dimmed">
            {words.current}
          </Text>
        </span>
      ) : (
        <Link key="version" from="/definitions/$name" to="/definitions/$name" params={{ name }} search={(before) => ({ ...before, v: version, node: undefined })} className="link" aria-label={`${t.app.version(version)}: ${words.open(version)}`}>
          {t.app.version(version)}
        </Link>
      ),
      <VersionBadge key="state" state={state} />,
      <span key="deployed">
        <Ago at={dateDeployed} />{' '}
        <Text span size="xs" c="dimmed">
          {t.definitions.deployed(deployedBy)}
        </Text>
      </span>,
      <span key="file" className="mono">{file}</span>,
      <Link key="instances" to="/instances" search={{ definition: name, version }} className="link" aria-label={words.instancesLabel(version)}>
        {words.instances}
      </Link>,
    ],
  }))
  return (
    <>
      <Lines label={words.table} names={[words.version, words.state, words.deployed, words.file, words.instances]} lines={lines} width={620} />
      <More query={query} />
    </>
  )
}

export function Steps({ detail, choose }: { detail: Detail; choose: (node: string) => void }) {
  const words = t.definitions.steps
  if (detail.nodes.length === 0) return <Text size="sm">{words.none}</Text>
  const lanes = laneNames(detail)
  const names = new Map(detail.nodes.map((node) => [node.id, stepName(node)]))
  const stages = detail.nodes.some((node) => node.stage)
  const described = detail.nodes.some((node) => node.description)
  const lines = detail.nodes.map((node) => ({
    key: node.id,
    cells: [
      <div key="name">
        <Button variant="subtle" size="compact-sm" onClick={() => choose(node.id)} aria-label={words.show(stepName(node))} className="step-button">
          {stepName(node)}
        </Button>
        {node.parent && (
          <Text size="xs" c="dimmed" pl={8}>
            {words.inside(names.get(node.parent) ?? node.parent)}
          </Text>
        )}
      </div>,
      typeInWords(node.type),
      ...(lanes.size ? [node.lane ? (lanes.get(node.lane) ?? node.lane) : null] : []),
      ...(stages ? [node.stage ?? null] : []),
      ...(described ? [node.description ? <div key="words" className="step-words">{node.description}</div> : null] : []),
    ],
  }))
  const columns = [words.name, words.type, ...(lanes.size ? [words.lane] : []), ...(stages ? [words.stage] : []), ...(described ? [words.description] : [])]
  return <Lines label={words.table} names={columns} lines={lines} width={720} />
}

export function laneNames(detail: Detail): Map<string, string> {
  return new Map(detail.lanes.map((lane) => [lane.id, lane.name || lane.id]))
}

/** Everything that is known of a step. */
export function StepFacts({ detail, node }: { detail: Detail; node: Node }) {
  const words = t.definitions.steps
  const start = detail.starts.find((each) => each.node === node.id)
  const form = start?.form ?? detail.forms?.find((each) => each.nodes.includes(node.id))?.key
  const facts: [string, ReactNode][] = [[words.type, typeInWords(node.type)]]
  if (node.lane) facts.push([words.lane, laneNames(detail).get(node.lane) ?? node.lane])
  if (node.stage) facts.push([words.stage, node.stage])
  if (start) facts.push([words.begins, words.triggers[start.trigger] ?? start.trigger])
  if (start?.condition) facts.push([words.condition, <span key="c" className="mono">{start.condition}</span>])
  if (start?.parameters.length)
    facts.push([
      words.parameters,
      <ul key="p" className="fields">
        {start.parameters.map((parameter) => (
          <li key={parameter.name}>
            <span className="field-name">{parameter.name}</span> {parameter.mandatory && <span className="field-note">{words.needed}</span>}
          </li>
        ))}
      </ul>,
    ])
  if (form) facts.push([words.form, <span key="f" className="mono">{form}</span>])
  return (
    <>
      {node.description && (
        <Text size="sm" mb="sm">
          {node.description}
        </Text>
      )}
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name} className="fact">
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  )
}

/** What a lane can grant, in the order in which people ask. */
const OPERATIONS = ['view', 'execute', 'selfAssign', 'assign', 'unassign', 'hold', 'unhold']

export function Access({ detail }: { detail: Detail }) {
  const words = t.definitions.access
  if (detail.lanes.length === 0) return <Text size="sm">{words.noLanes}</Text>
  if (!detail.lanes.some((lane) => Object.keys(lane.access).length > 0)) return <Text size="sm">{words.everybody}</Text>
  const lines = detail.lanes.map((lane) => ({
    key: lane.id,
    cells: [
      lane.name || lane.id,
      ...OPERATIONS.map((operation) =>
        lane.access[operation]?.length ? (
          lane.access[operation].join(', ')
        ) : (
          <Text key={operation} span size="sm" c="dimmed">
            {words.nobody}
          </Text>
        ),
      ),
    ],
  }))
  return (
    <>
      <Lines label={words.table} names={[words.lane, ...OPERATIONS.map((operation) => words.operations[operation] ?? operation)]} lines={lines} width={820} />
      <Text size="sm" c="dimmed" mt="sm">
        {words.words}
      </Text>
    </>
  )
}

export function Data({ detail }: { detail: Detail }) {
  const words = t.definitions.data
  const fields = fieldsOf(detail.dataModel)
  const { expiry, zone } = detail.settings
  return (
    <>
      {detail.dataModel === null ? (
        <Text size="sm">{words.none}</Text>
      ) : (
        <>
          {fields.length > 0 && (
            <>
              <Title order={2} size="h3" mb={6}>
                {words.tree}
              </Title>
              <Fields fields={fields} />
            </>
          )}
          <details className="more-of">
            <summary>{words.schema}</summary>
            <TextFile label={words.schema} text={JSON.stringify(detail.dataModel, null, 2)} />
          </details>
        </>
      )}
      <Title order={2} size="h3" mt="lg" mb={6}>
        {words.settings}
      </Title>
      <dl className="facts">
        <div className="fact">
          <dt>{words.expiry}</dt>
          <dd className="mono">{expiry ?? words.never}</dd>
        </div>
        <div className="fact">
          <dt>{words.zone}</dt>
          <dd>{zone}</dd>
        </div>
      </dl>
    </>
  )
}

function Fields({ fields }: { fields: Field[] }) {
  return (
    <ul className="fields">
      {fields.map((field) => (
        <li key={field.name} className="field">
          <span className="field-name">{field.name}</span> {typeWords(field)} {field.needed && <span className="field-note">{t.definitions.data.needed}</span>}{' '}
          {field.sensitive && <span className="field-note">{t.definitions.data.sensitive}</span>}{' '}
          {field.description && (
            <Text span size="sm" c="dimmed">
              {field.description}
            </Text>
          )}
          {field.fields.length > 0 && <Fields fields={field.fields} />}
        </li>
      ))}
    </ul>
  )
}

function typeWords({ types, of, choices }: Field): string {
  const words = t.definitions.data
  if (choices.length > 0) return choices.map((choice) => (typeof choice === 'string' ? choice : JSON.stringify(choice))).join(words.or)
  const one = (type: string) => words.types[type] ?? type
  if (types.length === 0) return words.any
  return types.map((type) => (type === 'array' && of.length > 0 ? words.listOf(of.map(one).join(words.or)) : one(type))).join(words.or)
}

export function Xml({ name, version }: { name: string; version: number }) {
  const query = useQuery(definitionXml(name, version))
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />
  if (query.data === undefined) return <Waiting rows={8} height={20} />
  return <TextFile label={t.definitions.xml.label} text={query.data} />
}

function TextFile({ label, text }: { label: string; text: string }) {
  return (
    <>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Button size="xs" variant="default" leftSection={<IconCopy size={14} aria-hidden />} onClick={copy}>
            {copied ? t.app.copied : t.app.copy}
          </Button>
        )}
      </CopyButton>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- else it could not be scrolled by keys */}
      <pre className="text-file" tabIndex={0} role="region" aria-label={label}>
        {text}
      </pre>
    </>
  )
}
