/** What is wrong with files: a list beside the drawing of the file, each leading to the other. */
import { Alert, Button, Code, Text, Title, UnstyledButton } from '@mantine/core'
import { IconAlertTriangle, IconCircleX, IconInfoCircle } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { CatchBoundary } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react'
import type { DefinitionProblem } from '../../api/types'
import { Waiting } from '../../parts/Waiting'
import { t } from '../../texts'
import { isDrawn, type Chosen } from './files'
import { kindOf, marksOf, ordered } from './problems'

const Diagram = lazy(() => import('../../diagram/Diagram'))

type Props = { problems: DefinitionProblem[]; files: Chosen[]; again: () => void }

export function Problems({ problems, files, again }: Props) {
  const words = t.definitions.importing
  const found = useMemo(() => ordered(problems), [problems])
  const [chosen, setChosen] = useState<number>()
  const drawn = files.filter(({ path }) => isDrawn(path))
  const named = chosen === undefined ? found.find((problem) => drawn.some(({ path }) => path === problem.file)) : found[chosen]
  const shown = drawn.find(({ path }) => path === named?.file) ?? drawn[0]
  const marks = useMemo(() => marksOf(found, shown?.path ?? ''), [found, shown])
  const list = useRef<HTMLUListElement>(null)
  useEffect(() => {
    if (chosen !== undefined) list.current?.querySelector('[aria-pressed=true]')?.scrollIntoView({ block: 'nearest' })
  }, [chosen])
  const select = (element: string | undefined) => {
    const index = found.findIndex((problem) => problem.file === shown?.path && problem.element === element)
    setChosen(element === undefined || index < 0 ? undefined : index)
  }
  return (
    <div className="report" data-drawn={shown ? true : undefined}>
      <div>
        <Alert color="red" variant="light" role="alert" icon={<IconCircleX aria-hidden />} title={words.problemsTitle(found.length)} mb="sm">
          {words.problemsWords}
        </Alert>
        <Button mb="md" onClick={again}>
          {words.another}
        </Button>
        <Title order={2} size="h3" mb="xs">
          {words.problems}
        </Title>
        <ul ref={list} className="plain-list">
          {found.map((problem, index) => (
            <li key={index}>
              <UnstyledButton className="problem" aria-pressed={chosen === index} onClick={() => setChosen(chosen === index ? undefined : index)}>
                <Sign problem={problem} />
                <Text size="sm" fw={500} component="span">
                  <span className="unseen">{words.severity[problem.severity ?? 'error'] ?? problem.severity}: </span>
                  {problem.message}
                </Text>
                {problem.hint && (
                  <Text size="sm" component="span">
                    {problem.hint}
                  </Text>
                )}
                <Text size="xs" c="dimmed" component="span">
                  {words.at(problem.file, problem.line)}
                  {problem.element && (
                    <>
                      {' · '}
                      <Code>{problem.element}</Code>
                    </>
                  )}
                </Text>
              </UnstyledButton>
            </li>
          ))}
        </ul>
      </div>
      {shown && (
        <div className="report-canvas">
          {/* a file that is wrong may be wrong in ways that no drawing survives: the list stays */}
          <CatchBoundary getResetKey={() => shown.path} errorComponent={Undrawn}>
            <Drawing key={shown.path} chosen={shown} marks={marks} selected={chosen === undefined ? undefined : (found[chosen]?.element ?? undefined)} select={select} />
          </CatchBoundary>
        </div>
      )}
    </div>
  )
}

function Undrawn() {
  return <Alert m="md" color="gray" variant="light" icon={<IconInfoCircle aria-hidden />} title={t.definitions.importing.notDrawn} />
}

function Sign({ problem }: { problem: DefinitionProblem }) {
  if (kindOf(problem) === 'warning') return <IconAlertTriangle size={18} aria-hidden className="problem-warning" />
  return problem.severity === undefined || problem.severity === 'error' ? <IconCircleX size={18} aria-hidden className="problem-error" /> : <IconInfoCircle size={18} aria-hidden />
}

type DrawingProps = { chosen: Chosen; marks: ReturnType<typeof marksOf>; selected: string | undefined; select: (element: string | undefined) => void }

function Drawing({ chosen: { path, file }, marks, selected, select }: DrawingProps) {
  const [list, setList] = useState(false)
  const text = useQuery({ queryKey: ['chosen file', path, file.size, file.lastModified], queryFn: () => file.text(), staleTime: Infinity, gcTime: 0 })
  if (text.data === undefined) return <Waiting rows={4} />
  return (
    <Suspense fallback={<Waiting rows={4} />}>
      <Diagram xml={text.data} label={t.definitions.importing.diagram(path)} marks={marks} selected={selected} onSelect={select} list={list} onList={setList} />
    </Suspense>
  )
}
