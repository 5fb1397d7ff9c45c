import { AgentError } from '../errors.ts'
import { type ConfigDocument, identityOf, kindOf } from './document.ts'
import { documentKinds, fieldsOf, isNamed, legacyKind, type Type } from './schema.ts'
import { isMapping, type Mapping, type Path, pathText, type Tree, type Value, scalarText } from './tree.ts'

/** What `$patch: delete` takes away: a document, a setting, or an element of a list. */
export interface Deletion {
  /** Whose it is. */
  readonly identity: string
  /** Empty: the whole document. */
  readonly path: readonly string[]
  /** The element of the list at that path: the first that has this. */
  readonly element?: { readonly key: string; readonly value: string }
}

/** A document of a patch without what it deletes; undefined where nothing else is left of it. */
export interface Taken {
  readonly deletions: readonly Deletion[]
  readonly rest: Tree | undefined
}

/**
 * Takes every `$patch: delete` out of a document (siderolabs/talos, configloader/internal/decoder/delete.go).
 *
 * @throws AgentError `misconfigured` where it stands where Talos allows none
 */
export function takeDeletions(document: Tree): Taken {
  if (!isMapping(document)) return { deletions: [], rest: document }
  const identity = identityIn(document)
  const deletions: Deletion[] = []
  const rest = take(document, [], (path, element) => {
    if (path.length === 0 && identity === legacyKind)
      throw new AgentError('misconfigured', 'the document with `machine` and `cluster` cannot be deleted')
    deletions.push({ identity, path: path as readonly string[], ...(element ? { element } : {}) })
  })
  return { deletions, rest: rest === undefined || (deletions.length > 0 && isBare(rest)) ? undefined : rest }
}

type Found = (path: Path, element?: Deletion['element']) => void

/** Undefined: nothing is left of it. */
function take(tree: Tree, path: Path, found: Found): Tree | undefined {
  if (Array.isArray(tree)) return takeFromList(tree as readonly Tree[], path, found)
  if (!isMapping(tree)) return tree
  if (isDeleted(tree)) {
    if (path.some((part) => typeof part === 'number'))
      throw new AgentError('misconfigured', `${pathText(path)}: within a list only a whole element can be deleted`)
    found(path)
    return undefined
  }
  return takeFromMap(tree, path, found)
}

function takeFromMap(tree: Mapping<Tree>, path: Path, found: Found): Tree | undefined {
  const entries = Object.entries(tree)
  const left = entries.flatMap(([key, one]) => {
    const rest = take(one, [...path, key], found)
    return rest === undefined ? [] : [[key, rest] as const]
  })
  return entries.length > 0 && left.length === 0 ? undefined : Object.fromEntries(left)
}

function takeFromList(list: readonly Tree[], path: Path, found: Found): Tree | undefined {
  const left = list.flatMap((one, index) => {
    if (isMapping(one) && isDeleted(one)) {
      if (path.some((part) => typeof part === 'number'))
        throw new AgentError('misconfigured', `${pathText(path)}: only an element of an outer list can be deleted`)
      found(path, elementOf(one, path))
      return []
    }
    const rest = take(one, [...path, index], found)
    return rest === undefined ? [] : [rest]
  })
  return list.length > 0 && left.length === 0 ? undefined : left
}

function isDeleted(tree: Mapping<Tree>): boolean {
  return scalarText(tree['$patch']) === 'delete'
}

/** The first of its settings tells which one is meant. */
function elementOf(tree: Mapping<Tree>, path: Path): { readonly key: string; readonly value: string } {
  for (const [key, one] of Object.entries(tree)) if (key !== '$patch') return { key, value: scalarText(one) ?? '' }
  throw new AgentError('misconfigured', `${pathText(path)}: $patch: delete needs a setting that tells which element`)
}

function identityIn(document: Mapping<Tree>): string {
  const kind = scalarText(document['kind'])
  const version = scalarText(document['apiVersion'])
  if ((kind === undefined) !== (version === undefined))
    throw new AgentError('misconfigured', 'a document needs both kind and apiVersion')
  const name = scalarText(document['name'])
  if (kind === undefined) return legacyKind
  return isNamed(kind) && name !== undefined ? `${kind}/${name}` : kind
}

/** Whether it says only which document it is, less its apiVersion: then Talos takes it for none. */
function isBare(document: Tree): boolean {
  return (
    isMapping(document) &&
    Object.entries(document).every(
      ([key, value]) => ['version', 'kind', 'name'].includes(key) && scalarText(value) !== undefined,
    )
  )
}

/**
 * A document without what is deleted; undefined where all of it is.
 *
 * @throws AgentError `misconfigured` where there is nothing of the kind
 */
export function deleteFrom(document: ConfigDocument, { path, element }: Deletion): ConfigDocument | undefined {
  if (path.length === 0) return undefined
  const type = documentKinds().get(kindOf(document))!.type
  const nothing = () =>
    new AgentError('misconfigured', `${pathText(path)} of ${identityOf(document)}: there is nothing to delete`)
  return remove(document, path, { type, element, nothing }) as ConfigDocument
}

interface Removal {
  readonly type: Type | undefined
  readonly element: Deletion['element']
  nothing(): AgentError
}

function remove(value: Value | undefined, [key, ...path]: readonly string[], removal: Removal): Value {
  const { type, nothing } = removal
  if (!isMapping(value ?? null) || key === undefined) throw nothing()
  const mapping = value as Mapping<Value>
  const inner = type?.kind === 'struct' ? fieldsOf(type.name).get(key)?.type : undefined
  if (path.length > 0 || removal.element) {
    const within =
      path.length > 0 ? remove(mapping[key], path, { ...removal, type: inner }) : removeElement(mapping[key], removal)
    return { ...mapping, [key]: within }
  }
  // A setting that Talos knows may be unset already; a name in a map has to be there.
  if (!(key in mapping) && inner === undefined) throw nothing()
  const { [key]: _, ...others } = mapping
  return others
}

function removeElement(list: Value | undefined, { element, nothing }: Removal): Value {
  const at = Array.isArray(list)
    ? list.findIndex((one) => isMapping(one) && String(one[element!.key] ?? '') === element!.value)
    : -1
  if (at === -1) throw nothing()
  return (list as readonly Value[]).toSpliced(at, 1)
}
