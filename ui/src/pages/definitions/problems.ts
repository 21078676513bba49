/** What is wrong with files, on their drawings. */
import type { DefinitionProblem } from '../../api/types'
import type { Marks } from '../../diagram/marks'

type Kind = 'problem' | 'warning'

export function kindOf(problem: DefinitionProblem): Kind {
  return problem.severity === 'warning' ? 'warning' : 'problem'
}

/** Problems, the worst first, else as they were found. */
export function ordered(problems: readonly DefinitionProblem[]): DefinitionProblem[] {
  return [...problems].sort((a, b) => Number(kindOf(a) === 'warning') - Number(kindOf(b) === 'warning'))
}

/** The marks of a file: for each element what is wrong with it. */
export function marksOf(problems: readonly DefinitionProblem[], file: string): Marks {
  const nodes: Marks['nodes'] = {}
  for (const kind of ['problem', 'warning'] as const) {
    const messages = new Map<string, string[]>()
    for (const problem of problems)
      if (problem.file === file && problem.element !== null && kindOf(problem) === kind) messages.set(problem.element, [...(messages.get(problem.element) ?? []), problem.message])
    for (const [element, said] of messages) {
      const mark = (nodes[element] ??= { state: kind, badges: [] })
      mark.badges?.push({ kind, text: said.length > 1 ? `! ${said.length}` : '!', title: said.join('\n') })
    }
  }
  return { nodes, flows: {} }
}
