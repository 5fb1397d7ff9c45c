import { AgentError } from '../errors.ts'
import { isEqual } from './merge.ts'
import { isMapping, type Mapping, type Value } from './tree.ts'

/** One operation of a JSON patch (RFC 6902, section 4). */
export interface Operation {
  readonly op: string
  readonly path: string
  readonly from?: string
  readonly value?: Value
}

const operations = ['add', 'remove', 'replace', 'move', 'copy', 'test']

/** The operations of a JSON patch; undefined where it is none. @throws AgentError `misconfigured` naming the operation */
export function parseOperations(value: Value): readonly Operation[] | undefined {
  if (!Array.isArray(value)) return undefined
  return (value as readonly Value[]).map((one, index) => {
    const wrong = (why: string) => new AgentError('misconfigured', `operation ${index + 1} of the JSON patch ${why}`)
    if (!isMapping(one)) throw wrong('is not settings by their names')
    const { op, path, from, value: given } = one
    if (typeof op !== 'string' || !operations.includes(op)) throw wrong(`needs an op: ${operations.join(', ')}`)
    if (typeof path !== 'string' || !isPointer(path)) throw wrong('needs a path such as /machine/install/disk')
    if ((op === 'move' || op === 'copy') && (typeof from !== 'string' || !isPointer(from)))
      throw wrong('needs a `from` such as /machine/install/disk')
    if (['add', 'replace', 'test'].includes(op) && given === undefined) throw wrong('needs a value')
    return {
      op,
      path,
      ...(typeof from === 'string' ? { from } : {}),
      ...(given === undefined ? {} : { value: given }),
    }
  })
}

const isPointer = (text: string) => text === '' || text.startsWith('/')

/** Carries operations out, all or none. @throws AgentError `misconfigured` naming the operation that can't be */
export function applyOperations(document: Value, all: readonly Operation[]): Value {
  return all.reduce((value, operation, index) => {
    const wrong = (why: string) =>
      new AgentError('misconfigured', `operation ${index + 1} of the JSON patch: ${operation.path} ${why}`)
    return apply(value, operation, wrong)
  }, document)
}

type Wrong = (why: string) => AgentError

function apply(document: Value, { op, path, from, value }: Operation, wrong: Wrong): Value {
  const at = partsOf(path)
  switch (op) {
    case 'add':
      return set(document, at, value!, { wrong, mayBeNew: true })
    case 'replace':
      read(document, at, wrong)
      return set(document, at, value!, { wrong, mayBeNew: false })
    case 'remove':
      return cut(document, at, wrong)
    case 'copy':
      return set(document, at, read(document, partsOf(from!), wrong), { wrong, mayBeNew: true })
    case 'move': {
      if (path.startsWith(`${from}/`)) throw wrong('cannot be moved into itself')
      const moved = read(document, partsOf(from!), wrong)
      return set(cut(document, partsOf(from!), wrong), at, moved, { wrong, mayBeNew: true })
    }
    default:
      if (!isEqual(read(document, at, wrong), value)) throw wrong('is not what the patch expects')
      return document
  }
}

/** `~1` is a slash, and `~0` a tilde (RFC 6901, section 4). */
function partsOf(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function read(value: Value, parts: readonly string[], wrong: Wrong): Value {
  return parts.reduce((within, part) => childOf(within, part, wrong), value)
}

function childOf(value: Value, part: string, wrong: Wrong): Value {
  if (Array.isArray(value)) return value[indexIn(value, part, wrong)] as Value
  if (!isMapping(value) || !Object.hasOwn(value, part)) throw wrong('is not there')
  return value[part]!
}

function set(
  value: Value,
  [part, ...rest]: readonly string[],
  given: Value,
  how: { readonly wrong: Wrong; readonly mayBeNew: boolean },
): Value {
  const { wrong, mayBeNew } = how
  if (part === undefined) return given
  if (rest.length > 0) return withChild(value, part, set(childOf(value, part, wrong), rest, given, how), wrong)
  if (!Array.isArray(value) || !mayBeNew) return withChild(value, part, given, wrong)
  const list = value as readonly Value[]
  return part === '-' ? [...list, given] : list.toSpliced(indexIn([...list, null], part, wrong), 0, given)
}

function withChild(value: Value, part: string, child: Value, wrong: Wrong): Value {
  if (Array.isArray(value)) return (value as readonly Value[]).with(indexIn(value, part, wrong), child)
  if (!isMapping(value)) throw wrong('is not there')
  return { ...value, [part]: child }
}

function cut(value: Value, [part, ...rest]: readonly string[], wrong: Wrong): Value {
  if (part === undefined) throw wrong('is the whole document, which cannot be removed')
  const child = childOf(value, part, wrong)
  if (rest.length > 0) return withChild(value, part, cut(child, rest, wrong), wrong)
  if (Array.isArray(value)) return (value as readonly Value[]).toSpliced(indexIn(value, part, wrong), 1)
  const { [part]: _, ...others } = value as Mapping<Value>
  return others
}

function indexIn(list: readonly unknown[], part: string, wrong: Wrong): number {
  const index = /^(0|[1-9]\d{0,8})$/.test(part) ? Number(part) : -1
  if (index < 0 || index >= list.length) throw wrong('is not there')
  return index
}
