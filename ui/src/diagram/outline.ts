/** The steps of a process file in the order in which the flows reach them: what can be read where a drawing cannot be seen. */

export type Step = { id: string; name: string; type: string; lane: string | null; leads: { id: string; name: string; flow: string }[]; inside: Step[]; on: string | null }

const MODEL = 'http://www.omg.org/spec/BPMN/20100524/MODEL'
const FLOW_NODE = /(Task|Event|Gateway|subProcess|SubProcess|callActivity|transaction)$|^task$/

export function outline(xml: string): Step[] {
  const document = new DOMParser().parseFromString(xml, 'application/xml')
  if (document.querySelector('parsererror') !== null) return []
  const lanes = new Map<string, string>()
  for (const lane of document.getElementsByTagNameNS(MODEL, 'lane'))
    for (const reference of lane.getElementsByTagNameNS(MODEL, 'flowNodeRef')) lanes.set(reference.textContent?.trim() ?? '', lane.getAttribute('name') ?? '')
  return [...document.getElementsByTagNameNS(MODEL, 'process')].flatMap((process) => steps(process, lanes))
}

function steps(scope: Element, lanes: ReadonlyMap<string, string>): Step[] {
  const found = new Map<string, Step>()
  const arrows: [string, string, string][] = []
  for (const child of scope.children) {
    const id = child.getAttribute('id') ?? ''
    if (child.namespaceURI !== MODEL) continue
    if (child.localName === 'sequenceFlow') arrows.push([child.getAttribute('sourceRef') ?? '', child.getAttribute('targetRef') ?? '', child.getAttribute('name') ?? ''])
    else if (FLOW_NODE.test(child.localName))
      found.set(id, { id, name: child.getAttribute('name') ?? '', type: child.localName, lane: lanes.get(id) ?? null, leads: [], inside: steps(child, lanes), on: child.getAttribute('attachedToRef') })
  }
  const reached = new Set<string>()
  for (const [source, target, flow] of arrows) {
    const to = found.get(target)
    if (to === undefined) continue
    found.get(source)?.leads.push({ id: target, name: to.name, flow })
    reached.add(target)
  }
  const order: Step[] = []
  const queue = [...found.values()].filter((step) => !reached.has(step.id) && step.on === null)
  const seen = new Set(queue)
  for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
    order.push(step)
    const next = [...[...found.values()].filter((each) => each.on === step!.id), ...step.leads.map((lead) => found.get(lead.id)!)]
    for (const each of next)
      if (!seen.has(each)) {
        seen.add(each)
        queue.push(each)
      }
  }
  return [...order, ...[...found.values()].filter((step) => !seen.has(step))] // a loop that nothing leads into
}
