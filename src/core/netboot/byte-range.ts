export type ByteRange = { readonly start: number; readonly end: number } | 'unsatisfiable'

/**
 * The part of a file that a `Range` header asks for; `end` is behind its last byte. Undefined where the whole file is to be
 * sent: without the header, with another unit, and with several ranges, which a server need not serve (RFC 9110, 14.2).
 */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.replaceAll(' ', '') ?? '') ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined
  if (first === '') {
    const length = Math.min(size, Number(last))
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return undefined
  if (start >= size) return 'unsatisfiable'
  return { start, end: last === '' ? size : Math.min(size, Number(last) + 1) }
}
