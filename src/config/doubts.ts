import { type Document, isMap, isScalar, isSeq } from '../yaml.ts'

/** A value that is read otherwise than it looks, or than another program reads it. */
export interface Doubt {
  readonly path: readonly (string | number)[]
  readonly text: string
}

/** Finds values that are probably not meant as they are read. None is an error: the shape takes them. */
export function findDoubts(document: Document): readonly Doubt[] {
  return doubtsIn(document.contents, [])
}

function doubtsIn(node: unknown, path: Doubt['path']): readonly Doubt[] {
  if (isMap(node))
    return node.items.flatMap(({ key, value }) => doubtsIn(value, [...path, String(isScalar(key) ? key.value : key)]))
  if (isSeq(node)) return node.items.flatMap((one, index) => doubtsIn(one, [...path, index]))
  if (!isScalar(node)) return []
  const text = doubtOf(node.value, node.source)
  return text === undefined ? [] : [{ path, text }]
}

function doubtOf(value: unknown, source = ''): string | undefined {
  if (typeof value === 'number' && /^[-+]?0\d/.test(source))
    return `is read as ${value}, and as an octal number by other programs: leave out the 0 at the front`
  if (typeof value === 'number' && /^0[ox]/i.test(source)) return `is read as ${value}: write it as a decimal number`
  if (typeof value === 'string' && value.includes('\uFFFD'))
    return 'has a character that is lost, because it is not UTF-8: save the file as UTF-8'
  return undefined
}
