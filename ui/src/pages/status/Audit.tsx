/** Who did what to the instance, newest first. */
import '@mantine/core/styles/Timeline.css'
import { Group, Text, Timeline, UnstyledButton } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { audit } from '../../api/queries'
import { Ago } from '../../parts/Ago'
import { Failure } from '../../parts/Failure'
import { More } from '../../parts/More'
import { Waiting } from '../../parts/Waiting'
import { t } from '../../texts'

type Props = { id: string; last: number; see: (position: number) => void }

export default function Audit({ id, last, see }: Props) {
  const query = useInfiniteQuery(audit(id))
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />
  if (query.data === undefined) return <Waiting rows={4} height={30} />
  const found = query.data.pages.flatMap((page) => page.items)
  return (
    <>
      <Timeline bulletSize={14} lineWidth={2} active={found.length}>
        {found.map((entry) => (
          <Timeline.Item key={entry.id}
            color={entry.event === 'fail-job' || entry.event === 'fail-call' ? 'red' : 'indigo'}
            title={
              <Group gap="xs">
                <Text size="sm" fw={500}>{t.status.audit.commands[entry.event] ?? entry.event}</Text>
                <Text size="xs" c="dimmed">{t.status.audit.by(entry.user === 'system' ? t.status.audit.system : entry.user)}</Text>
              </Group>
            }
          >
            <Text size="xs" c="dimmed" component="div">
              <Ago at={entry.date} />
              {entry.position !== undefined && entry.position < last && (
                <>
                  {' · '}
                  <UnstyledButton className="link plain" fz="xs" onClick={() => see(entry.position!)}>
                    {t.status.audit.see}
                  </UnstyledButton>
                </>
              )}
            </Text>
            {entry.detail && <Text size="sm">{t.status.audit.reason(entry.detail)}</Text>}
          </Timeline.Item>
        ))}
      </Timeline>
      <More query={query} />
    </>
  )
}
