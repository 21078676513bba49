/** Let the browser keep a text as a file. */
export function save(text: string, name: string, type = 'application/xml'): void {
  const address = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = address
  link.download = name.split('/').at(-1)!
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}
