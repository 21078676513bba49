import { expect, test } from 'vitest'
import { bodyOf, choose } from './files'

const file = (path: string, text = 'x') => ({ path, file: new File([text], path.split('/').at(-1)!) })
const paths = (chosen: { files: { path: string }[] }) => chosen.files.map(({ path }) => path)

test('process files come first, what is no process file is left out', () => {
  const chosen = choose([], [file('card/README.md'), file('card/forms/a.json'), file('card/card.bpmn')])
  expect(paths(chosen)).toEqual(['card/card.bpmn', 'card/forms/a.json'])
  expect(chosen.leftOut).toEqual(['card/README.md'])
})

test('more files are added, the same path is replaced', () => {
  const newer = file('a.bpmn', 'newer')
  const chosen = choose([file('a.bpmn'), file('b.json')], [newer])
  expect(paths(chosen)).toEqual(['a.bpmn', 'b.json'])
  expect(chosen.files[0]).toBe(newer)
})

test('a zip is alone', () => {
  expect(choose([file('a.bpmn')], [file('all.zip')])).toMatchObject({ files: [{ path: 'all.zip' }], zipAlone: true })
  expect(choose([], [file('all.zip')])).toMatchObject({ zipAlone: false })
  expect(paths(choose([file('all.zip')], [file('a.bpmn')]))).toEqual(['a.bpmn'])
})

test('one process file is sent as it is, several as a form', () => {
  const one = bodyOf([file('x/a.bpmn')])
  expect(one.file).toBe('x/a.bpmn')
  expect((one.body as Blob).type).toBe('application/xml')
  expect((bodyOf([file('a.zip')]).body as Blob).type).toBe('application/zip')
  const several = bodyOf([file('x/a.bpmn'), file('x/forms/b.json')])
  expect(several.file).toBeUndefined()
  expect((several.body as FormData).getAll('file').map((each) => (each as File).name)).toEqual(['x/a.bpmn', 'x/forms/b.json'])
})
