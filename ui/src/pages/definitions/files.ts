/** Files that somebody chose or dropped, and how they are sent. */

export type Chosen = { path: string; file: File }

const ZIP = /\.zip$/i
const FILE = /\.(bpmn|xml|json|zip)$/i
const DRAWN = /\.(bpmn|xml)$/i

export type Choice = { files: Chosen[]; leftOut: string[]; zipAlone: boolean }

/** What can be imported of it: process files with forms, or one zip. What has the same path replaces what was chosen before. */
export function choose(before: readonly Chosen[], more: readonly Chosen[]): Choice {
  const fit = more.filter(({ path }) => FILE.test(path))
  const leftOut = more.filter(({ path }) => !FILE.test(path)).map(({ path }) => path)
  const zip = fit.find(({ path }) => ZIP.test(path))
  if (zip !== undefined) return { files: [zip], leftOut, zipAlone: fit.length + before.length > 1 }
  const files = new Map(before.filter(({ path }) => !ZIP.test(path)).map((each) => [each.path, each]))
  for (const each of fit) files.set(each.path, each)
  return { files: [...files.values()].sort((a, b) => Number(DRAWN.test(b.path)) - Number(DRAWN.test(a.path)) || a.path.localeCompare(b.path)), leftOut, zipAlone: false }
}

export function isDrawn(path: string): boolean {
  return DRAWN.test(path)
}

/** The body of the request, and what a body that does not say so itself is called. */
export function bodyOf(files: readonly Chosen[]): { body: Blob | FormData; file: string | undefined } {
  const [only] = files
  if (files.length === 1 && only !== undefined) {
    if (ZIP.test(only.path)) return { body: new Blob([only.file], { type: 'application/zip' }), file: undefined }
    if (DRAWN.test(only.path)) return { body: new Blob([only.file], { type: 'application/xml' }), file: only.path }
  }
  const form = new FormData()
  for (const { path, file } of files) form.append('file', file, path)
  return { body: form, file: undefined }
}

export function fromInput(list: FileList | null): Chosen[] {
  return [...(list ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }))
}

/** What was dropped, with what is in folders. */
export async function fromDrop(data: DataTransfer): Promise<Chosen[]> {
  // entries are there only until the event is over
  const entries = [...data.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null)
  if (entries.length === 0) return fromInput(data.files)
  return (await Promise.all(entries.map((entry) => inside(entry, '')))).flat()
}

async function inside(entry: FileSystemEntry, before: string): Promise<Chosen[]> {
  const path = before + entry.name
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
    return [{ path, file }]
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const found: Chosen[] = []
  for (;;) {
    // a folder is read in parts, of which the last is empty
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (part.length === 0) return found
    found.push(...(await Promise.all(part.map((each) => inside(each, `${path}/`)))).flat())
  }
}
