/** Places in JSON (RFC 6901), and the elements of a page that stand for them. */

export function under(pointer: string, key: string | number): string {
  return `${pointer}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`
}

export function keysOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
}

export function above(pointer: string): string {
  return pointer.slice(0, Math.max(0, pointer.lastIndexOf('/')))
}

/** The pointer of a fragment such as `#/client/iban`. */
export function fromFragment(fragment: string): string {
  const pointer = fragment.replace(/^#/, '')
  try {
    return decodeURIComponent(pointer)
  } catch {
    return pointer // a lone % that nobody encoded
  }
}

/** The id of the element for a place: without spaces, since lists of ids are parted by them. */
export function elementId(form: string, pointer: string): string {
  return `${form}:${encodeURIComponent(pointer)}`
}
