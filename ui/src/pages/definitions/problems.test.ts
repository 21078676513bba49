import { expect, test } from 'vitest'
import { marksOf, ordered } from './problems'

const problem = (file: string, element: string | null, message: string, severity?: string) => ({ file, line: 1, element, message, ...(severity ? { severity } : {}) })
const problems = [problem('a.bpmn', 'x', 'Odd.', 'warning'), problem('a.bpmn', 'x', 'Bad.', 'error'), problem('a.bpmn', 'x', 'Worse.'), problem('b.bpmn', 'y', 'Bad.'), problem('a.bpmn', null, 'No process.')]

test('an element has the worst of its problems as its state, and a badge for each kind', () => {
  expect(marksOf(problems, 'a.bpmn')).toEqual({
    nodes: { x: { state: 'problem', badges: [{ kind: 'problem', text: '! 2', title: 'Bad.\nWorse.' }, { kind: 'warning', text: '!', title: 'Odd.' }] } },
    flows: {},
  })
})

test('errors come before warnings', () => {
  expect(ordered(problems).map((each) => each.message)).toEqual(['Bad.', 'Worse.', 'Bad.', 'No process.', 'Odd.'])
})
