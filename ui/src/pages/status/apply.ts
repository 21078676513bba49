/** What the live channel tells of an instance, seen at once; what follows from it (rights, waits) is read again soon after. */
import type { InstanceView as Instance, TokenView } from '../../api/types'
import type { Message } from '../../live'

const GONE = new Set(['INACTIVE', 'ABORTED', 'DISMISSED', 'EXPIRED', 'TERMINATED'])

export function applied(instance: Instance, { event, data }: Message, nameOf: (node: string) => string): Instance {
  if (data.instance !== instance.id || data.seq <= instance.seq) return instance
  switch (event) {
    case 'status':
      return { ...instance, state: data.status as Instance['state'] }
    case 'data':
      return { ...instance, variables: { ...instance.variables, [data.key as string]: data.value } }
    case 'progress':
      return { ...instance, tokens: moved(instance.tokens, data, nameOf) }
    default:
      return instance
  }
}

function moved(tokens: TokenView[], data: Message['data'], nameOf: (node: string) => string): TokenView[] {
  const id = data.token as string
  const state = data.state as string
  const known = tokens.find((token) => token.id === id)
  if (GONE.has(state)) return known === undefined ? tokens : tokens.filter((token) => token !== known)
  const node = data.node as string
  const now: TokenView = {
    version: 0, startNodeId: node, syncNodeTokensCount: 0, syncNodeTokensFinished: 0, ...known,
    id, parentTokenId: data.parentToken as string | null, state, statusCurrentNode: data.statusCurrentNode as string, currentNodeId: node, currentNodeName: nameOf(node), dateUpdated: data.at,
  }
  return known === undefined ? [...tokens, now] : tokens.map((token) => (token === known ? now : token))
}
