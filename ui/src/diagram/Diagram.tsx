/** A process as it is drawn, with what is known of its steps. Loaded only where one is shown. */
import 'bpmn-js/dist/assets/diagram-js.css'
import 'bpmn-js/dist/assets/bpmn-js.css'
import './diagram.css'
import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer'
import { Alert, Button, SegmentedControl } from '@mantine/core'
import { useEffect, useEffectEvent, useMemo, useRef, useState, type KeyboardEvent } from 'react'
import { t } from '../texts'
import { Canvas, type Drawn } from './canvas'
import type { Marks } from './marks'
import { Outline } from './Outline'
import { stepName, typeInWords } from './words'

/** What is looked at first. */
const MATTERS = ['failed', 'problem', 'waiting', 'held', 'warning'] as const

type Props = {
  xml: string
  label: string
  marks: Marks
  selected: string | undefined
  onSelect: (id: string | undefined) => void
  /** The steps as a list instead. */
  list: boolean
  onList: (list: boolean) => void
}

export default function Diagram({ xml, label, marks, selected, onSelect, list, onList }: Props) {
  const states = useMemo(() => new Set(Object.values(marks.nodes).map((mark) => mark.state)), [marks])
  return (
    <div className="diagram">
      {list ? <Outline xml={xml} label={label} marks={marks} selected={selected} onSelect={onSelect} /> : <Drawing xml={xml} label={label} marks={marks} selected={selected} onSelect={onSelect} onList={onList} />}
      <div className="diagram-legend">
        {(['visited', 'waiting', 'failed', 'held', 'cancelled', 'problem', 'warning'] as const)
          .filter((state) => states.has(state))
          .map((state) => (
            <span key={state} className="legend" data-state={state}>
              {t.diagram.states[state]}
            </span>
          ))}
      </div>
      <SegmentedControl
        size="xs"
        className="diagram-switch"
        value={list ? 'list' : 'drawing'}
        onChange={(value) => onList(value === 'list')}
        data={[
          { value: 'drawing', label: t.diagram.drawing },
          { value: 'list', label: t.diagram.list },
        ]}
        aria-label={label}
      />
    </div>
  )
}

function Drawing({ xml, label, marks, selected, onSelect, onList }: Omit<Props, 'list'>) {
  const host = useRef<HTMLDivElement>(null)
  const [canvas, setCanvas] = useState<Canvas | null>(null)
  const [drawn, setDrawn] = useState<{ xml: string; laidOut: boolean } | null>(null)
  const [broken, setBroken] = useState<{ xml: string; reason: string } | null>(null)
  const [said, setSaid] = useState('')
  const choose = useEffectEvent(onSelect)

  // made and taken away by the same effect, so that it does not matter how often React mounts it
  useEffect(() => {
    const viewer = new NavigatedViewer({
      container: host.current!,
      canvas: { deferUpdate: true },
      bpmnRenderer: { defaultFillColor: 'var(--pn-fill)', defaultStrokeColor: 'var(--pn-stroke)', defaultLabelColor: 'var(--pn-label)' },
      textRenderer: { defaultStyle: { fontFamily: "'Inter Variable', Inter, system-ui, sans-serif", fontSize: 12 }, externalStyle: { fontSize: 11.5 } },
    })
    const made = new Canvas(viewer, (id) => choose(id))
    setCanvas(made)
    const observer = new ResizeObserver(() => made.resized())
    observer.observe(host.current!)
    return () => {
      observer.disconnect()
      made.destroy()
      setCanvas(null)
    }
  }, [])

  useEffect(() => {
    if (canvas === null) return
    let stale = false
    canvas
      .draw(xml)
      .then(({ laidOut }) => {
        if (!stale) setDrawn({ xml, laidOut })
      })
      .catch((error: unknown) => {
        if (!stale) setBroken({ xml, reason: error instanceof Error ? error.message : String(error) })
      })
    return () => {
      stale = true
    }
  }, [canvas, xml])

  const ready = canvas !== null && drawn?.xml === xml
  useEffect(() => {
    if (ready) canvas.mark(marks)
  }, [ready, canvas, marks])
  const current = useEffectEvent(() => MATTERS.flatMap((state) => Object.keys(marks.nodes).filter((id) => marks.nodes[id]?.state === state)))
  const known = Object.keys(marks.nodes).length > 0
  useEffect(() => {
    if (ready && known) canvas.focus(current())
  }, [ready, known, canvas])
  useEffect(() => {
    if (ready) canvas.select(selected)
  }, [ready, canvas, selected])

  function announce(step: Drawn) {
    const mark = marks.nodes[step.id]
    const state = mark?.badges?.map((badge) => badge.title).join(', ') || (mark?.state && t.diagram.states[mark.state])
    const leads = step.leads.map((lead) => (lead.flow ? `${lead.flow}: ` : '') + stepName(lead)).join('; ')
    setSaid(`${stepName(step)}, ${typeInWords(step.type)}${state ? `, ${state}` : ''}. ${leads ? t.diagram.leadsTo(leads) : t.diagram.end}`)
  }

  function press(event: KeyboardEvent) {
    if (!ready || event.ctrlKey || event.metaKey || event.altKey) return
    const turn = { '+': 1.25, '=': 1.25, '-': 0.8 }[event.key]
    if (turn !== undefined) canvas.zoom(turn)
    else if (event.key === '0') canvas.fit()
    else if (event.key === 'Enter' && canvas.current !== undefined) onSelect(canvas.current)
    else if (event.key === 'Escape') onSelect(undefined)
    else if (event.key.startsWith('Arrow')) {
      const next = canvas.walk(event.key.slice(5).toLowerCase() as 'left' | 'right' | 'up' | 'down')
      if (next !== undefined) announce(next)
    } else return
    event.preventDefault()
  }

  return (
    <>
      {/* the keys of a map: an application is the role for that (WAI-ARIA 1.2, 5.3.3) */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex, jsx-a11y/no-noninteractive-element-interactions */}
      <div className="diagram-canvas" role="application" aria-label={`${label}. ${t.diagram.keys}`} tabIndex={0} onKeyDown={press} data-drawn={ready || undefined}>
        <div ref={host} className="diagram-host" />
      </div>
      <div className="unseen" role="status">
        {said}
      </div>
      <div className="diagram-zoom">
        <button type="button" aria-label={t.diagram.zoomIn} title={t.diagram.zoomIn} onClick={() => canvas?.zoom(1.25)}>
          +
        </button>
        <button type="button" aria-label={t.diagram.zoomOut} title={t.diagram.zoomOut} onClick={() => canvas?.zoom(0.8)}>
          −
        </button>
        <button type="button" aria-label={t.diagram.fit} title={t.diagram.fit} onClick={() => canvas?.fit()}>
          ⤢
        </button>
      </div>
      {drawn?.laidOut && ready && <div className="diagram-note">{t.diagram.laidOut}</div>}
      {broken?.xml === xml && (
        <Alert color="red" className="diagram-failure" role="alert">
          {t.diagram.failed(broken.reason)}{' '}
          <Button size="compact-sm" variant="default" onClick={() => onList(true)}>
            {t.diagram.asList}
          </Button>
        </Alert>
      )}
    </>
  )
}
