/** Starting a process: which way it begins, what it needs to know, and what happens next. */
import { Alert, Anchor, Button, Group, Text, Title } from '@mantine/core'
import { IconChevronRight, IconInfoCircle, IconLock, IconPlayerStop } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import type { DefinitionView as Definition, StartView as Start } from '../../api/types'
import { definition, instance, published } from '../../api/queries'
import { Empty } from '../../parts/Empty'
import { Failure } from '../../parts/Failure'
import { Page } from '../../parts/Page'
import { Waiting } from '../../parts/Waiting'
import { t } from '../../texts'
import { BeginForm } from './BeginForm'
import { failedStartData } from './failedStart'
import { fitting } from './find'
import './start.css'

/** No way to begin is called so: one chooses again. */
const CHOOSE = '?'

const CRUMBS = [{ label: t.start.title, to: '/start' }]

export function StartForm() {
  const { name } = useParams({ from: '/start/$name' })
  const query = useQuery(published)
  const found = query.data?.find((each) => each.name === name)
  const catalogue = <Button component={Link} to="/start" variant="default">{t.start.form.catalogue}</Button>
  if (found === undefined)
    return (
      <Page title={t.start.title} crumbs={CRUMBS}>
        {query.data !== undefined ? <Empty icon={<IconPlayerStop size={28} />} title={t.start.form.gone} action={catalogue}>{t.start.form.goneHint}</Empty>
          : query.isError ? <Failure error={query.error} retry={() => void query.refetch()} />
          : <Waiting rows={4} />}
      </Page>
    )
  const reason = found.allowed.start
  return (
    <Page title={found.title} crumbs={CRUMBS}>
      {reason === true ? <Begin key={name} offered={found} />
        : <Empty icon={<IconLock size={28} />} title={t.start.form.forbidden} action={catalogue}>{typeof reason === 'string' && t.start.form.forbiddenHint(reason)}</Empty>}
    </Page>
  )
}

type Values = Record<string, unknown>

/** Values that were sent or kept before, if the address names where; undefined while they are read. */
function useEarlier(): { values: Values | null | undefined; of: 'failed' | 'from' | null } {
  const { failed, from } = useSearch({ from: '/start/$name' })
  const refused = useQuery({ ...failedStartData(failed ?? ''), enabled: failed !== undefined })
  const before = useQuery({ ...instance(from ?? ''), enabled: failed === undefined && from !== undefined })
  if (failed !== undefined) return { values: refused.isError ? null : refused.data, of: 'failed' }
  if (from !== undefined) return { values: before.isError ? null : before.data?.variables, of: 'from' }
  return { values: {}, of: null }
}

function Begin({ offered }: { offered: Definition }) {
  const { at } = useSearch({ from: '/start/$name' })
  // a form that is open stays the one it was, until one asks for the new one
  const [version, setVersion] = useState(offered.version)
  const [kept, setKept] = useState<Values | null>(null)
  const query = useQuery(definition(offered.name, version))
  const earlier = useEarlier()
  if (query.isError && query.data === undefined) return <Failure error={query.error} retry={() => void query.refetch()} />
  if (query.data === undefined || earlier.values === undefined) return <Waiting rows={4} />
  const detail = query.data
  const ways = detail.starts.filter((start) => start.trigger === 'none')
  const values = earlier.values ?? {}
  const wanted = ways.length === 1 ? ways[0] : (ways.find((start) => start.node === at) ?? (at === undefined && earlier.of !== null ? fitting(ways, values) : undefined))
  const chosen = wanted?.allowed === true ? wanted : undefined
  return (
    <div className="form-frame">
      {(chosen === undefined || ways.length === 1) && detail.description && <Text c="dimmed" mb="md">{detail.description}</Text>}
      {chosen === undefined ? <Ways ways={ways} /> : (
        <>
          {ways.length > 1 && (
            <Group justify="space-between" gap="xs" mb={4}>
              <Title order={2}>{chosen.name}</Title>
              <Anchor size="sm" underline="always" renderRoot={(props) => <Link {...props} from="/start/$name" to="/start/$name" search={(before) => ({ ...before, at: CHOOSE })} />}>{t.start.form.otherWay}</Anchor>
            </Group>
          )}
          {ways.length > 1 && chosen.description && <Text size="sm" c="dimmed" mb="md">{chosen.description}</Text>}
          {earlier.of !== null && (
            <Alert color={earlier.values === null ? 'yellow' : 'blue'} variant="light" icon={<IconInfoCircle aria-hidden />} mb="md" py="xs">
              {earlier.values === null ? t.start.form.notAgain : earlier.of === 'failed' ? t.start.form.again : t.start.form.from}
            </Alert>
          )}
          <BeginForm
            key={`${chosen.node} ${version}`}
            name={offered.name}
            start={chosen}
            earlier={kept ?? values}
            stages={detail.stages ?? []}
            replaced={offered.version !== version}
            showNew={(typed) => {
              setKept(typed)
              setVersion(offered.version)
            }}
          />
        </>
      )}
    </div>
  )
}

/** Several ways to begin: one is chosen, by name and description. */
function Ways({ ways }: { ways: Start[] }) {
  return (
    <section aria-labelledby="ways">
      <Title order={2} id="ways" mb="sm">{t.start.form.choose}</Title>
      <ul className="ways">
        {ways.map((start) => (
          <li key={start.node} className="way" data-closed={start.allowed !== true || undefined}>
            <Title order={3} className="way-title">
              {start.allowed === true ? (
                <Link from="/start/$name" to="/start/$name" search={(before) => ({ ...before, at: start.node })} className="card-link covering">{start.name || start.node}</Link>
              ) : (
                start.name || start.node
              )}
              {start.allowed === true ? <IconChevronRight size={18} aria-hidden /> : <IconLock size={18} aria-hidden />}
            </Title>
            {start.description && <Text size="sm" c="dimmed">{start.description}</Text>}
            {start.allowed !== true && (
              <Text size="sm">
                {t.app.notAllowed(start.allowed === false ? t.app.failure.forbidden : start.allowed)}
              </Text>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}
