/** The same steps as a list: for readers of screens, for phones, and where a drawing cannot be shown. */
import { Text } from '@mantine/core'
import { useMemo } from 'react'
import { t } from '../texts'
import type { Marks } from './marks'
import { outline, type Step } from './outline'
import { stepName, typeInWords } from './words'

type Props = { xml: string; label: string; marks: Marks; selected: string | undefined; onSelect: (id: string | undefined) => void }

export function Outline({ xml, label, marks, selected, onSelect }: Props) {
  const steps = useMemo(() => outline(xml), [xml])
  if (steps.length === 0) return <Text p="md">{t.diagram.empty}</Text>
  return (
    // a region that scrolls has to be reachable by keyboard
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="outline" role="region" aria-label={label} tabIndex={0}>
      <Steps steps={steps} marks={marks} selected={selected} onSelect={onSelect} />
    </div>
  )
}

function Steps({ steps, marks, selected, onSelect }: { steps: Step[] } & Omit<Props, 'xml' | 'label'>) {
  return (
    <ol>
      {steps.map((step) => {
        const mark = marks.nodes[step.id]
        return (
          <li key={step.id}>
            <button type="button" className="outline-step" data-state={mark?.state} aria-current={selected === step.id || undefined} onClick={() => onSelect(selected === step.id ? undefined : step.id)}>
              <span className="outline-name">{stepName(step)}</span>
              <span className="outline-facts">{[step.name && typeInWords(step.type), step.lane, step.on !== null && t.diagram.attached(steps.find((each) => each.id === step.on)?.name || step.on)].filter(Boolean).join(' · ')}</span>
              {mark?.state && (
                <span className="outline-state">
                  {(mark.badges?.length ? mark.badges.map((badge) => badge.title) : [t.diagram.states[mark.state]]).join(', ')}
                </span>
              )}
            </button>
            {step.inside.length > 0 && <Steps steps={step.inside} marks={marks} selected={selected} onSelect={onSelect} />}
          </li>
        )
      })}
    </ol>
  )
}
