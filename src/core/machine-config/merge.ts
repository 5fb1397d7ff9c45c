import { AgentError } from '../errors.ts'
import type { ConfigDocument } from './document.ts'
import { kindOf } from './document.ts'
import { documentKinds, type Field, fieldsOf, type Type } from './schema.ts'
import { isMapping, type Mapping, type Path, pathText, type Value } from './tree.ts'

/**
 * Merges a patch's document into the one of a configuration, as Talos does (siderolabs/talos,
 * pkg/machinery/config/merge/merge.go): what is empty changes nothing, but `false` does; maps are merged, and lists are
 * appended to, what is there already a second time; except where Talos' types say that they are replaced, or know by what
 * their elements are told apart.
 *
 * @throws AgentError `misconfigured` where something of unknown form meets something of another
 */
export function mergeDocuments(left: ConfigDocument, right: ConfigDocument): ConfigDocument {
  const type = documentKinds().get(kindOf(left))!.type
  return merge(left, right, { type, path: [] }) as ConfigDocument
}

interface Place extends Partial<Pick<Field, 'isReplaced' | 'countsZero'>> {
  readonly type: Type
  readonly path: Path
}

function merge(left: Value | undefined, right: Value | undefined, place: Place): Value | undefined {
  const { type, isReplaced } = place
  if (right === undefined || right === null) return left
  if (isEmpty(left) && type.kind !== 'list') return right
  switch (type.kind) {
    case 'text':
    case 'duration':
    case 'integer':
    case 'number':
      return isZero(right) && !place.countsZero ? left : right
    case 'flag':
      return right
    case 'arguments':
      return { ...asMapping(left), ...asMapping(right) }
    case 'map':
      return isReplaced ? right : mergeEntries(left, right, place, () => ({ type: type.of }))
    case 'list':
      return isReplaced ? right : mergeLists(asList(left), asList(right), place, type.of)
    case 'struct': {
      const fields = fieldsOf(type.name)
      return isReplaced ? right : mergeEntries(left, right, place, (key) => fields.get(key))
    }
    case 'anything':
      return isReplaced ? right : mergeAnything(left, right, place.path)
    default:
      return type satisfies never
  }
}

function mergeEntries(
  left: Value | undefined,
  right: Value,
  { path }: Place,
  fieldOf: (key: string) => Omit<Place, 'path'> | undefined,
): Value {
  const merged: Record<string, Value> = { ...asMapping(left) }
  for (const [key, value] of Object.entries(asMapping(right))) {
    const field = fieldOf(key)
    const result = field && merge(merged[key], value, { ...field, path: [...path, key] })
    if (result !== undefined) merged[key] = result
  }
  return merged
}

/** By what an element of a list is told apart, where it is merged with its like; `replace`: or replaced by it. */
const keyed: Readonly<Record<string, { same(left: Entry, right: Entry): boolean; readonly replace?: true }>> = {
  Device: {
    same: (left, right) =>
      isSet(right['interface'])
        ? left['interface'] === right['interface']
        : isSet(right['deviceSelector']) && isEqual(left['deviceSelector'], right['deviceSelector']),
  },
  Vlan: { same: (left, right) => (left['vlanId'] ?? 0) === (right['vlanId'] ?? 0) },
  AdmissionPluginConfig: { same: (left, right) => left['name'] === right['name'] },
  'extensions.ConfigFile': { same: (left, right) => left['mountPath'] === right['mountPath'] },
  'security.ImageVerificationRule': { same: (left, right) => left['image'] === right['image'], replace: true },
}

type Entry = Mapping<Value>

function mergeLists(left: readonly Value[], right: readonly Value[], { path }: Place, of: Type): Value {
  const key = of.kind === 'struct' ? keyed[of.name] : undefined
  if (!key) return [...left, ...right]
  const merged = [...left]
  for (const one of right) {
    const at = merged.findIndex((other) => key.same(asMapping(other), asMapping(one)))
    if (at === -1) merged.push(one)
    else merged[at] = key.replace ? one : merge(merged[at], one, { type: of, path: [...path, at] })!
  }
  return merged
}

/** What nothing is known of: maps key by key, lists one behind the other, and nothing becomes something of another kind. */
function mergeAnything(left: Value | undefined, right: Value, path: Path): Value {
  if (left === undefined || left === null) return right
  if (formOf(left) !== formOf(right))
    throw new AgentError(
      'misconfigured',
      `${pathText(path)} is ${formOf(left)}, and the patch has ${formOf(right)} there`,
    )
  if (Array.isArray(left)) return [...asList(left), ...asList(right)]
  if (!isMapping(left)) return isZero(right) ? left : right
  const merged: Record<string, Value> = { ...left }
  for (const [key, value] of Object.entries(asMapping(right)))
    if (value !== null) merged[key] = mergeAnything(merged[key], value, [...path, key])
  return merged
}

/** Go tells whole numbers from others. */
function formOf(value: Value): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'number') return Number.isInteger(value) ? 'a whole number' : 'a number with a fraction'
  if (typeof value === 'object') return 'a map'
  return typeof value === 'boolean' ? 'true or false' : 'a text'
}

const isZero = (value: Value) => value === '' || value === 0 || value === '0s'
const isEmpty = (value: Value | undefined) => value === undefined || value === null
const isSet = (value: Value | undefined) => !isEmpty(value) && value !== ''

function asMapping(value: Value | undefined): Mapping<Value> {
  return isMapping(value ?? null) ? (value as Mapping<Value>) : {}
}

function asList(value: Value | undefined): readonly Value[] {
  return Array.isArray(value) ? value : []
}

/** Whatever the order of its settings. */
export function isEqual(left: Value | undefined, right: Value | undefined): boolean {
  if (left === right) return true
  if (Array.isArray(left) && Array.isArray(right))
    return left.length === right.length && left.every((one, index) => isEqual(one, right[index]))
  if (!isMapping(left ?? null) || !isMapping(right ?? null)) return false
  const [one, other] = [asMapping(left), asMapping(right)]
  const keys = Object.keys(one)
  return keys.length === Object.keys(other).length && keys.every((key) => isEqual(one[key], other[key]))
}
