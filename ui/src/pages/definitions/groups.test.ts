import { expect, test } from 'vitest'
import { groups, matching, standard } from './groups'

const version = (name: string, number: number, state: string, title = '') => ({ name, version: number, state, title, dateDeployed: '' })
const versions = [version('card', 4, 'draft', 'New card'), version('card', 3, 'published', 'Card'), version('card', 2, 'draft'), version('card', 1, 'deprecated'), version('loan', 1, 'draft')]

test('each process once, with what is published and the drafts after it', () => {
  const [card, loan] = groups(versions)
  expect(card).toMatchObject({ name: 'card', title: 'Card', count: 4, published: { version: 3 }, newest: { version: 4 } })
  expect(card!.drafts.map((draft) => draft.version)).toEqual([4])
  expect(loan).toMatchObject({ title: 'loan', published: undefined, drafts: [{ version: 1 }] })
})

test('processes are found by title and by name', () => {
  const found = groups(versions)
  expect(matching(found, ' CARD ').map((group) => group.name)).toEqual(['card'])
  expect(matching(found, '')).toBe(found)
})

test('the published version is shown, else the newest', () => {
  expect(standard(versions)?.version).toBe(3)
  expect(standard([version('loan', 2, 'draft'), version('loan', 1, 'draft')])?.version).toBe(2)
  expect(standard([])).toBeUndefined()
})
