/** Starts that were refused: why, with what, and how to start after all. */
import { Button, Code, CopyButton, Group, Text } from '@mantine/core'
import { IconCircleCheck, IconCopy } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { asProblem } from '../../api/problem'
import { failedStarts, published } from '../../api/queries'
import type { FailedStartView } from '../../api/types'
import { Ago } from '../../parts/Ago'
import { useCalm } from '../../parts/calm'
import { Empty } from '../../parts/Empty'
import { Failure } from '../../parts/Failure'
import { Fresh } from '../../parts/Fresh'
import { More } from '../../parts/More'
import { Page } from '../../parts/Page'
import { Waiting } from '../../parts/Waiting'
import { t } from '../../texts'
import { seconds } from '../../texts/format'
import './failed-starts.css'

const AGAIN = 10_000

export function FailedStarts() {
  const query = useInfiniteQuery({ ...failedStarts(), refetchInterval: ({ state }) => (asProblem(state.error).status === 403 ? false : AGAIN), refetchOnWindowFocus: 'always' })
  const processes = useQuery(published)
  const calm = useCalm(query.data?.pages, 'failed-starts')
  const titleOf = (name: string) => processes.data?.find((each) => each.name === name)?.title || name
  return (
    <Page title={t.instances.failed.title}>
      {query.error && <Failure error={query.error} retry={() => void query.refetch()} />}
      {calm === undefined && !query.error && <Waiting height={96} rows={4} />}
      {calm?.rows.length === 0 && (
        <Empty icon={<IconCircleCheck size={28} className="fine" />} title={t.instances.failed.none}>
          {t.instances.failed.noneHint(seconds(new Date(query.dataUpdatedAt).toISOString()))}
        </Empty>
      )}
      {calm !== undefined && calm.rows.length > 0 && (
        <>
          <Text size="sm" c="dimmed" className="refusals-lead">
            {t.instances.failed.explain}
          </Text>
          <Fresh count={calm.fresh} show={calm.show} />
          <ul className="refusals" aria-label={t.instances.failed.list}>
            {calm.rows.map(({ item }) => (
              <Refusal key={item.id} start={item} title={titleOf(item.processDefinitionName)} />
            ))}
          </ul>
          <More query={query} />
        </>
      )}
    </Page>
  )
}

function Refusal({ start, title }: { start: FailedStartView; title: string }) {
  const name = start.processDefinitionName
  const sent = start.data === null || start.data === undefined ? null : JSON.stringify(start.data, null, 2)
  return (
    <li className="refusal">
      <Group justify="space-between" gap="xs" align="baseline">
        <Text fw={600}>{title}</Text>
        <Text size="sm" c="dimmed">
          <Ago at={start.date} /> {t.instances.failed.wanted(start.actor)} · {t.instances.failed.status(start.status)}
        </Text>
      </Group>
      <Text size="sm">
        <Text span fw={500} className="reason">
          {start.title}
        </Text>{' '}
        {start.detail}
      </Text>
      {sent === null ? (
        <Text size="sm" c="dimmed">
          {t.instances.failed.noPayload}
        </Text>
      ) : (
        <details>
          <summary>{t.instances.failed.payload}</summary>
          <CopyButton value={sent}>
            {({ copied, copy }) => (
              <Button size="compact-sm" variant="subtle" mt={6} leftSection={<IconCopy size={14} aria-hidden />} onClick={copy}>
                {copied ? t.app.copied : t.app.copy}
              </Button>
            )}
          </CopyButton>
          <Code block className="payload" tabIndex={0} role="region" aria-label={t.instances.failed.payload}>
            {sent}
          </Code>
        </details>
      )}
      <Group gap="xs">
        <Button size="xs" aria-label={t.instances.failed.fixLabel(title)} renderRoot={(props) => <Link to="/start/$name" params={{ name }} search={{ failed: start.id }} {...props} />}>
          {t.instances.failed.fix}
        </Button>
        <Button size="xs" variant="default" aria-label={t.instances.failed.openLabel(title)} renderRoot={(props) => <Link to="/definitions/$name" params={{ name }} {...props} />}>
          {t.instances.failed.open}
        </Button>
      </Group>
    </li>
  )
}
