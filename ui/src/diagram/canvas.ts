/** bpmn-js as we use it: draw, mark, select, walk along the flows. */
import type NavigatedViewer from 'bpmn-js/lib/NavigatedViewer'
import type DiagramCanvas from 'diagram-js/lib/core/Canvas'
import type ElementRegistry from 'diagram-js/lib/core/ElementRegistry'
import type Overlays from 'diagram-js/lib/features/overlays/Overlays'
import type { Badge, Marks } from './marks'

type Element = {
  id: string
  type: string
  x: number
  y: number
  width: number
  height: number
  parent?: Element
  businessObject: { name?: string; $type: string }
  incoming?: Arrow[]
  outgoing?: Arrow[]
  host?: Element
  labelTarget?: Element
}
type Arrow = { id: string; type: string; source: Element; target: Element; businessObject: { name?: string } }

/** A step as it is drawn. */
export type Drawn = { id: string; name: string; type: string; leads: { name: string; type: string; flow: string }[] }

const MARGIN = { top: 44, right: 20, bottom: 34, left: 20 }
const LARGEST = 1.25
/** Below the first nothing can be made out; at the second names can be read. */
const [TINY, READABLE] = [0.35, 0.6]
/** Below it badges would cover what they belong to. */
const SMALLEST_FOR_BADGES = 0.3
const ROOTS = new Set(['bpmn:Process', 'bpmn:Collaboration', 'bpmn:Participant', 'bpmn:Lane', 'label'])

export class Canvas {
  /** The step that the keyboard is at. */
  current: string | undefined
  private readonly canvas: DiagramCanvas
  private readonly elements: ElementRegistry
  private readonly overlays: Overlays
  /** How each step and flow is marked: a drawing of hundreds of steps is not marked anew for one that changes. */
  private readonly marked = new Map<string, { looks: string; state: string | undefined; signs: string[] }>()
  private selected: string | undefined
  private touched = false // somebody has moved or zoomed it: it is not fitted any more
  private destroyed = false

  constructor(
    private readonly viewer: NavigatedViewer,
    choose: (id: string | undefined) => void,
  ) {
    this.canvas = viewer.get<DiagramCanvas>('canvas')
    this.elements = viewer.get<ElementRegistry>('elementRegistry')
    this.overlays = viewer.get<Overlays>('overlays')
    // what can be reached by keyboard, and is read, is the frame around it
    const drawing = this.canvas.getContainer().querySelector('svg')
    drawing?.setAttribute('tabindex', '-1')
    drawing?.setAttribute('aria-hidden', 'true')
    viewer.on('element.click', (event: { element: Element }) => {
      const element = event.element.labelTarget ?? event.element
      this.current = isStep(element) ? element.id : undefined
      choose(this.current)
    })
    viewer.on('canvas.viewbox.changed', () => (this.touched = this.canvas.viewbox().outer.width > 0 && !this.fitting))
  }

  private fitting = false

  destroy(): void {
    this.destroyed = true
    this.viewer.destroy()
  }

  /** Draw a file; one without a drawing is laid out. */
  async draw(xml: string): Promise<{ laidOut: boolean }> {
    const laidOut = !/<(\w+:)?BPMNShape\b/.test(xml)
    const drawing = laidOut ? await (await import('bpmn-auto-layout')).layoutProcess(xml) : xml
    if (this.destroyed) throw new Error('gone')
    this.marked.clear()
    this.selected = undefined
    this.touched = false
    await this.viewer.importXML(drawing)
    this.fit()
    return { laidOut }
  }

  resized(): void {
    if (this.destroyed) return
    this.canvas.resized()
    if (!this.touched) this.fit()
  }

  /** All of it, with room for what lies above the drawing. */
  fit(): void {
    const { inner, outer } = this.canvas.viewbox()
    if (!inner.width || !outer.width) return
    const scale = Math.min((outer.width - MARGIN.left - MARGIN.right) / inner.width, (outer.height - MARGIN.top - MARGIN.bottom) / inner.height, LARGEST)
    const spare = (size: number, margin: number, drawn: number) => Math.max(0, (size - margin) / scale - drawn) / 2
    this.fitting = true
    this.canvas.viewbox({
      x: inner.x - MARGIN.left / scale - spare(outer.width, MARGIN.left + MARGIN.right, inner.width),
      y: inner.y - MARGIN.top / scale - spare(outer.height, MARGIN.top + MARGIN.bottom, inner.height),
      width: outer.width / scale,
      height: outer.height / scale,
    })
    this.fitting = false
    this.touched = false
  }

  /** Where a drawing is too large to be read as a whole, what matters in it: the first, and as many of the next as fit. */
  focus(ids: readonly string[]): void {
    if (this.touched || this.canvas.zoom() >= TINY) return
    const { inner, outer } = this.canvas.viewbox()
    const found = ids.map((id) => this.elements.get(id) as unknown as Element | undefined).filter((element) => element !== undefined && element.width > 0) as Element[] // flows have none
    if (found.length === 0 || !outer.width) return
    const [width, height] = [outer.width / READABLE, outer.height / READABLE]
    let area = boxOf(found.slice(0, 1))
    for (let count = 2; count <= found.length; count += 1) {
      const larger = boxOf(found.slice(0, count))
      if (larger.width > width - MARGIN.left * 4 || larger.height > height - MARGIN.top * 4) break
      area = larger
    }
    this.fitting = true
    const across = within(area.x + area.width / 2 - width / 2, width, inner.x - MARGIN.left / READABLE, inner.width + (MARGIN.left + MARGIN.right) / READABLE)
    const down = within(area.y + area.height / 2 - height / 2, height, inner.y - MARGIN.top / READABLE, inner.height + (MARGIN.top + MARGIN.bottom) / READABLE)
    this.canvas.viewbox({ x: across, y: down, width, height })
    this.fitting = false
  }

  zoom(factor: number): void {
    this.canvas.zoom(this.canvas.zoom() * factor)
  }

  mark(marks: Marks): void {
    const wanted = new Map<string, { state: string | undefined; badges: readonly Badge[]; count: number }>()
    for (const [id, { state, badges }] of Object.entries(marks.nodes)) wanted.set(id, { state, badges: badges ?? [], count: 0 })
    for (const [id, count] of Object.entries(marks.flows)) wanted.set(id, { state: 'visited', badges: [], count })
    for (const [id, { looks }] of this.marked) if (JSON.stringify(wanted.get(id)) !== looks) this.unmark(id)
    for (const [id, want] of wanted) {
      if (this.marked.has(id) || !this.elements.get(id)) continue
      const signs = want.badges.map((badge, index) => this.badge(id, badge, index))
      if (want.count > 1) signs.push(this.countFlow(id, want.count))
      if (want.state !== undefined) this.canvas.addMarker(id, `pn-${want.state}`)
      this.marked.set(id, { looks: JSON.stringify(want), state: want.state, signs })
    }
  }

  private unmark(id: string): void {
    const { state, signs } = this.marked.get(id)!
    this.marked.delete(id)
    if (state !== undefined && this.elements.get(id)) this.canvas.removeMarker(id, `pn-${state}`)
    for (const sign of signs) this.overlays.remove(sign)
  }

  select(id: string | undefined): void {
    if (this.selected !== undefined && this.elements.get(this.selected)) this.canvas.removeMarker(this.selected, 'pn-selected')
    this.selected = id !== undefined && this.elements.get(id) ? id : undefined
    if (this.selected === undefined) return
    this.canvas.addMarker(this.selected, 'pn-selected')
    this.current = this.selected
  }

  /** Go on from the current step: along the flow, back, or to the branch beside it. */
  walk(direction: 'left' | 'right' | 'up' | 'down'): Drawn | undefined {
    const now = this.current === undefined ? undefined : (this.elements.get(this.current) as Element | undefined)
    const next = now === undefined ? this.first() : this.beside(now, direction)
    if (next === undefined) return undefined
    this.current = next.id
    this.select(next.id)
    this.canvas.scrollToElement(next.id, 60)
    return {
      id: next.id,
      name: next.businessObject.name ?? '',
      type: typeOf(next),
      leads: flows(next.outgoing).map((arrow) => ({ name: arrow.target.businessObject.name ?? '', type: typeOf(arrow.target), flow: arrow.businessObject.name ?? '' })),
    }
  }

  private first(): Element | undefined {
    const steps = this.elements.filter((element) => isStep(element as unknown as Element)) as unknown as Element[]
    return steps.find((step) => step.type === 'bpmn:StartEvent') ?? steps[0]
  }

  private beside(now: Element, direction: 'left' | 'right' | 'up' | 'down'): Element | undefined {
    if (direction === 'right') return flows(now.outgoing)[0]?.target ?? this.attached(now)[0]
    if (direction === 'left') return flows(now.incoming)[0]?.source ?? now.host
    const source = flows(now.incoming)[0]?.source
    const starts = () => (this.elements.filter((element) => element.type === 'bpmn:StartEvent') as unknown as Element[]).filter((start) => start.parent === now.parent)
    const siblings = source !== undefined ? flows(source.outgoing).map((arrow) => arrow.target) : now.host !== undefined ? this.attached(now.host) : starts()
    const ordered = [...new Set(siblings)].sort((a, b) => a.y - b.y)
    const index = ordered.indexOf(now)
    const around = ordered.length > 1 ? ordered[(index + (direction === 'down' ? 1 : -1) + ordered.length) % ordered.length] : undefined
    return around ?? (direction === 'down' ? this.attached(now)[0] : undefined)
  }

  private attached(host: Element): Element[] {
    return (this.elements.filter((element) => (element as unknown as Element).host === host) as unknown as Element[]).filter(isStep)
  }

  private badge(id: string, badge: Badge, index: number): string {
    const html = document.createElement('div')
    html.className = 'pn-badge'
    html.dataset.state = badge.kind
    html.textContent = badge.text // never as HTML: what is shown may come from people
    html.title = badge.title
    return this.overlays.add(id, 'badge', { position: { top: -13, right: 6 + index * 34 }, html, show: { minZoom: SMALLEST_FOR_BADGES }, scale: { min: 0.8, max: 1.2 } })
  }

  private countFlow(id: string, count: number): string {
    const html = document.createElement('div')
    html.className = 'pn-flow-count'
    html.textContent = `×${count}`
    return this.overlays.add(id, 'badge', { position: { top: 2, left: 2 }, html, show: { minZoom: SMALLEST_FOR_BADGES } })
  }
}

function boxOf(elements: Element[]): { x: number; y: number; width: number; height: number } {
  const x = Math.min(...elements.map((each) => each.x))
  const y = Math.min(...elements.map((each) => each.y))
  return { x, y, width: Math.max(...elements.map((each) => each.x + each.width)) - x, height: Math.max(...elements.map((each) => each.y + each.height)) - y }
}

/** Where a window of this size begins, so that it shows no more emptiness than it must. */
function within(start: number, size: number, from: number, length: number): number {
  return size >= length ? from - (size - length) / 2 : Math.min(Math.max(start, from), from + length - size)
}

function isStep(element: Element): boolean {
  return element.labelTarget === undefined && !ROOTS.has(element.type) && element.incoming !== undefined && /Task|Event|Gateway|SubProcess|CallActivity|Transaction/.test(element.type)
}

function flows(arrows: Arrow[] | undefined): Arrow[] {
  return (arrows ?? []).filter((arrow) => arrow.type === 'bpmn:SequenceFlow')
}

/** bpmn:UserTask → userTask. */
function typeOf(element: Element): string {
  const name = element.type.replace('bpmn:', '')
  return name.charAt(0).toLowerCase() + name.slice(1)
}
