/** The diagram of the process that is chosen: a step on it is a filter. */
import { Button, Text } from '@mantine/core'
import { IconChevronDown, IconChevronUp } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useId, useState } from 'react'
import { definitionXml } from '../../api/queries'
import { NO_MARKS } from '../../diagram/marks'
import { Failure } from '../../parts/Failure'
import { Waiting } from '../../parts/Waiting'
import { t } from '../../texts'

const Diagram = lazy(() => import('../../diagram/Diagram'))

type Props = { name: string; version: number; title: string; node: string | undefined; phone: boolean; choose: (node: string | undefined) => void }

export function ProcessDiagram({ name, version, title, node, phone, choose }: Props) {
  const [opened, setOpened] = useState(!phone)
  const [list, setList] = useState(false)
  const id = useId()
  const xml = useQuery({ ...definitionXml(name, version), enabled: opened })
  return (
    <section className="process-diagram" aria-label={t.instances.diagram(title)}>
      <div className="process-diagram-head">
        <Text size="sm" c="dimmed">
          {t.instances.diagramHint}
        </Text>
        <Button size="compact-sm" variant="subtle" aria-expanded={opened} aria-controls={id} onClick={() => setOpened(!opened)} rightSection={opened ? <IconChevronUp size={14} aria-hidden /> : <IconChevronDown size={14} aria-hidden />}>
          {opened ? t.instances.hideDiagram : t.instances.showDiagram}
        </Button>
      </div>
      <div id={id} className="process-diagram-canvas" hidden={!opened}>
        {opened && xml.error && <Failure error={xml.error} retry={() => void xml.refetch()} />}
        {opened && xml.isPending && <Waiting rows={3} />}
        {opened && xml.data !== undefined && (
          <Suspense fallback={<Waiting rows={3} />}>
            <Diagram xml={xml.data} label={t.instances.diagram(title)} marks={NO_MARKS} selected={node} onSelect={choose} list={list} onList={setList} />
          </Suspense>
        )}
      </div>
    </section>
  )
}
