import { expect, test } from 'vitest'
import { Problem } from '../../api/problem'
import { t } from '../../texts'
import { refusalOf } from './refusal'

const schema = { type: 'object', properties: { company: { type: 'object', properties: { vat: { type: 'string' } } } } }

test('what is missing is said at its field', () => {
  const refusal = refusalOf(new Problem({ status: 400, title: 'Some mandatory params are missing.', missing: ['company.vat', 'client.name'] }), schema)
  expect(refusal.title).toBe(t.start.form.refused.missing)
  expect(refusal.fields).toEqual([{ pointer: '/company/vat', message: t.start.form.needed }])
  expect(refusal.elsewhere).toEqual([`Client › Name: ${t.start.form.needed}`])
})

test('without a form everything is said above', () => {
  const refusal = refusalOf(new Problem({ status: 422, title: 'Not valid.', errors: [{ pointer: '/company/vat', message: 'is too short' }] }), null)
  expect(refusal.fields).toEqual([])
  expect(refusal.elsewhere).toEqual(['Company › Vat: is too short'])
})

test('a server that was not reached may be asked once more', () => {
  expect(refusalOf(new Problem({ status: 0, title: 'Not reached' }), schema)).toMatchObject({ passing: true, title: t.start.form.refused.busy, detail: '' })
})

test('other refusals have the words of the server', () => {
  expect(refusalOf(new Problem({ status: 403, title: 'Forbidden', detail: 'It needs the role clerk.' }), schema)).toMatchObject({ title: t.start.form.refused.forbidden, detail: 'It needs the role clerk.', passing: false })
})

test('a key that was used for something else may mean that it was started', () => {
  expect(refusalOf(new Problem({ status: 422, title: 'x', errorKey: 'error.idempotency' }), schema)).toMatchObject({ title: t.start.form.refused.repeated, requests: true })
})
