/** Why a start was refused, in words, and at which fields. */
import { asProblem } from '../../api/problem'
import { t } from '../../texts'
import { human } from '../../texts/format'
import { hasField, type Schema } from './prefill'

export type FieldProblem = { pointer: string; message: string }

export type Refusal = {
  title: string
  /** What the server says, where it helps. */
  detail: string
  fields: FieldProblem[]
  /** What no field of the form stands for. */
  elsewhere: string[]
  /** Whether the same may be sent once more just so. */
  passing: boolean
  requests: boolean
}

export function refusalOf(error: unknown, schema: Schema | null): Refusal {
  const problem = asProblem(error)
  const words = t.start.form.refused
  const found: FieldProblem[] = [
    ...problem.missing.map((name) => ({ pointer: `/${name.replaceAll('.', '/')}`, message: t.start.form.needed })),
    ...problem.errors,
  ]
  const fields = schema === null ? [] : found.filter(({ pointer }) => hasField(schema, pointer))
  const elsewhere = found.filter((each) => !fields.includes(each)).map(({ pointer, message }) => [named(pointer), message].filter(Boolean).join(': '))
  const repeated = problem.errorKey === 'error.idempotency'
  const title =
    problem.passing ? words.busy
    : problem.missing.length ? words.missing
    : repeated ? words.repeated
    : found.length ? words.invalid
    : problem.status === 403 ? words.forbidden
    : problem.status === 404 ? words.gone
    : words.other
  const said = problem.passing || found.length ? '' : problem.detail
  return { title, detail: said, fields, elsewhere, passing: problem.passing, requests: repeated }
}

/** /client/iban → Client › Iban */
function named(pointer: string): string {
  return pointer.split('/').slice(1).map(human).join(' › ')
}
