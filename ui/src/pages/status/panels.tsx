/** The panels below the diagram: tokens, subprocesses, exceptions, waits. */
import { Alert, Anchor, Badge, Button, Code, CopyButton, Group, Stack, Table, Text, UnstyledButton } from '@mantine/core'
import { IconAlertTriangle, IconCheck, IconCopy, IconEye } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ExceptionView, InstanceView as Instance, TaskView as Task, TokenView } from '../../api/types'
import { exceptions, instances, tokens } from '../../api/queries'
import { ActButton } from '../../parts/ActButton'
import { Ago } from '../../parts/Ago'
import { Failure } from '../../parts/Failure'
import { More } from '../../parts/More'
import { StateBadge } from '../../parts/StateBadge'
import { Waiting } from '../../parts/Waiting'
import { t } from '../../texts'
import { moment } from '../../texts/format'
import type { Action } from './Act'

type Panel = { instance: Instance; node: string | undefined; select: (node: string | undefined) => void; nameOf: (node: string) => string; past: boolean }

export function Tokens({ instance, node, select, past, finished }: Panel & { finished: boolean }) {
  const all = useQuery({ ...tokens(instance.id), enabled: finished && !past })
  if (all.error) return <Failure error={all.error} retry={() => void all.refetch()} />
  const found: TokenView[] = finished && !past ? (all.data?.items ?? instance.tokens) : instance.tokens
  const shown = found.filter((token) => node === undefined || token.currentNodeId === node)
  if (shown.length === 0) return <Text size="sm" c="dimmed">{node === undefined ? t.status.tokens.none : t.status.tokens.noneHere}</Text>
  const failing = new Set(instance.exceptions.map((each) => each.tokenId))
  return (
    <Table.ScrollContainer minWidth={620}>
      <Table fz="sm" verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t.status.tokens.id}</Table.Th>
            <Table.Th>{t.status.tokens.step}</Table.Th>
            <Table.Th>{t.status.tokens.state}</Table.Th>
            <Table.Th>{t.status.tokens.children}</Table.Th>
            <Table.Th>{t.status.tokens.parent}</Table.Th>
            <Table.Th>{t.status.tokens.since}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {shown.map((token) => (
            <Table.Tr key={token.id} data-token={token.id}>
              <Table.Td className="mono" pl={10 + 18 * depth(token, found)}>{token.id}</Table.Td>
              <Table.Td>
                <StepLink node={token.currentNodeId} name={token.currentNodeName} select={select} />
              </Table.Td>
              <Table.Td>
                <Badge size="sm" variant="light" tt="none" color={failing.has(token.id) ? 'red' : token.state === 'ACTIVE' ? 'blue' : 'gray'}>
                  {failing.has(token.id) ? t.app.status.FAILED : token.state === 'ACTIVE' ? (t.status.tokens.statuses[token.statusCurrentNode] ?? token.statusCurrentNode) : (t.status.tokens.states[token.state] ?? token.state)}
                </Badge>
              </Table.Td>
              <Table.Td className="tabular">{token.syncNodeTokensCount > 0 ? t.status.tokens.of(token.syncNodeTokensFinished, token.syncNodeTokensCount) : ''}</Table.Td>
              <Table.Td className="mono">{token.parentTokenId ?? ''}</Table.Td>
              <Table.Td>
                <Ago at={token.dateUpdated} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

/** How many parents are above a token. */
function depth(token: TokenView, all: readonly TokenView[]): number {
  let found = 0
  for (let at: TokenView | undefined = token; at?.parentTokenId && found < 6; at = all.find((each) => each.id === at?.parentTokenId)) found += 1
  return found
}

export function StepLink({ node, name, select }: { node: string; name: string; select: (node: string) => void }) {
  return (
    <UnstyledButton className="link plain" onClick={() => select(node)}>
      {name}
    </UnstyledButton>
  )
}

export function Subprocesses({ instance }: Panel) {
  const query = useInfiniteQuery(instances({ parent: instance.id }))
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />
  if (query.data === undefined) return <Waiting rows={2} />
  const found = query.data.pages.flatMap((page) => page.items)
  if (found.length === 0) return <Text size="sm" c="dimmed">{t.status.subprocesses.none}</Text>
  return (
    <>
      <Table fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t.status.subprocesses.process}</Table.Th>
            <Table.Th>{t.status.subprocesses.state}</Table.Th>
            <Table.Th>{t.status.subprocesses.started}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {found.map((child) => (
            <Table.Tr key={child.id}>
              <Table.Td>
                <Anchor component={Link} to={`/instances/${child.id}`} size="sm">
                  {child.processTitle || child.processDefinitionName}
                </Anchor>
              </Table.Td>
              <Table.Td>
                <StateBadge state={child.state} exceptions={child.exceptions} />
              </Table.Td>
              <Table.Td>
                <Ago at={child.dateStarted} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <More query={query} />
    </>
  )
}

export function Exceptions({ instance, node, select, nameOf, past, act }: Panel & { act: (action: Action) => void }) {
  const query = useInfiniteQuery({ ...exceptions(instance.id), enabled: !past })
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />
  const found = past ? instance.exceptions : query.data?.pages.flatMap((page) => page.items)
  if (found === undefined) return <Waiting rows={2} height={90} />
  const shown = found.filter((each) => node === undefined || each.node === node).sort((a, b) => Number(a.resolved !== null) - Number(b.resolved !== null))
  if (shown.length === 0) return <Text size="sm" c="dimmed">{t.status.exceptions.none}</Text>
  return (
    <Stack gap="sm">
      {shown.map((each) => (
        <ExceptionCard key={each.id} exception={each} instance={instance} select={select} nameOf={nameOf} act={past ? undefined : act} />
      ))}
      {!past && <More query={query} />}
    </Stack>
  )
}

function ExceptionCard({ exception, instance, select, nameOf, act }: { exception: ExceptionView; instance: Instance; select: (node: string) => void; nameOf: (node: string) => string; act: ((action: Action) => void) | undefined }) {
  const open = exception.resolved === null
  const title = t.status.exceptions.titles[exception.type] ?? t.status.exceptions.titles[exception.source] ?? t.status.exceptions.something
  const text = [`${title} ${t.status.exceptions.at} ${nameOf(exception.node)}`, exception.message, exception.details, `${exception.type} · ${exception.causeType} · ${exception.date}`].filter(Boolean).join('\n')
  return (
    <Alert color={open ? 'red' : 'gray'} variant="light" icon={open ? <IconAlertTriangle /> : <IconCheck />}
      title={
        <Group gap="xs">
          <span>
            {title} {t.status.exceptions.at} <StepLink node={exception.node} name={nameOf(exception.node)} select={select} />
          </span>
          <Text size="xs" fw={400}>
            <Ago at={exception.date} />
            {exception.resolved !== null && ` · ${t.status.exceptions.resolved(moment(exception.resolved))}`}
          </Text>
        </Group>
      }
    >
      <Stack gap="xs">
        <Text size="sm" className="message">{exception.message}</Text>
        {exception.details && (
          // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
          <Code block fz={12} mah={220} tabIndex={0} role="region" aria-label={t.status.exceptions.details} className="details">
            {exception.details}
          </Code>
        )}
        <Text size="xs" c="dimmed">
          {t.status.exceptions.type} {exception.type} · {t.status.exceptions.cause} {exception.causeType} · {t.status.exceptions.token} {exception.tokenId}
        </Text>
        <Group gap="xs">
          {open && act && (
            <>
              <ActButton size="xs" allowed={exception.allowed.retry} onClick={() => act({ operation: 'RETRY', exceptions: [exception] })}>
                {t.status.actions.retry}
              </ActButton>
              <ActButton size="xs" variant="default" allowed={instance.allowed.setVariables} onClick={() => act({ operation: 'SET_VARIABLES', thenRetry: exception })}>
                {t.status.actions.repairAndRetry}
              </ActButton>
            </>
          )}
          <Button size="xs" variant="default" leftSection={<IconEye size={14} aria-hidden />} onClick={() => select(exception.node)}>
            {t.status.actions.showStep}
          </Button>
          <CopyButton value={text}>
            {({ copied, copy }) => (
              <Button size="xs" variant="subtle" color="gray" leftSection={copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />} onClick={copy}>
                {copied ? t.app.copied : t.status.exceptions.copy}
              </Button>
            )}
          </CopyButton>
        </Group>
      </Stack>
    </Alert>
  )
}

type Wait = { kind: string; id: string | null; node: string | null; name?: string; assignee?: string | null; lane?: string | null; type?: string; retries?: number; due?: string | null; correlationKey?: string; topic?: string; process?: string; message?: string }

export function Waits({ instance, node, select, nameOf, tasks }: Panel & { tasks: Task[] }) {
  const shown = (instance.waits as Wait[]).filter((wait) => node === undefined || wait.node === node)
  if (shown.length === 0) return <Text size="sm" c="dimmed">{t.status.waits.none}</Text>
  return (
    <Table.ScrollContainer minWidth={520}>
      <Table fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t.status.waits.kind}</Table.Th>
            <Table.Th>{t.status.waits.step}</Table.Th>
            <Table.Th>{t.status.waits.about}</Table.Th>
            <Table.Th>{t.status.waits.until}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {shown.map((wait, index) => (
            <Table.Tr key={wait.id ?? `${wait.kind}-${index}`}>
              <Table.Td>{t.status.waits.kinds[wait.kind] ?? wait.kind}</Table.Td>
              <Table.Td>{wait.node && <StepLink node={wait.node} name={nameOf(wait.node)} select={select} />}</Table.Td>
              <Table.Td>
                {about(wait)}
                {wait.kind === 'task' && tasks.some((task) => task.id === wait.id) && (
                  <>
                    {' '}
                    <Anchor component={Link} to={`/tasks/${wait.id}`} size="sm">
                      {t.status.waits.openTask}
                    </Anchor>
                  </>
                )}
                {wait.kind === 'child' && (
                  <Anchor component={Link} to={`/instances/${wait.id}`} size="sm">
                    {wait.process}
                  </Anchor>
                )}
              </Table.Td>
              <Table.Td>{wait.due && <Ago at={wait.due} as="away" />}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

function about(wait: Wait): string {
  switch (wait.kind) {
    case 'task':
      return wait.assignee ? t.status.waits.assignee(wait.assignee) : t.status.waits.free(wait.lane ?? null)
    case 'job':
      return t.status.waits.job(wait.type ?? '', wait.retries ?? 0)
    case 'message':
      return wait.topic !== undefined ? t.status.waits.answer(wait.topic) : t.status.waits.message(wait.name ?? '', wait.correlationKey ?? '')
    case 'exception':
      return wait.message ?? ''
    default:
      return ''
  }
}
