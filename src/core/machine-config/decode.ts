import { nearest } from '../spelling.ts'
import { apiVersion, type ConfigDocument, isKind } from './document.ts'
import { goDuration } from './go-duration.ts'
import { documentKinds, type Field, fieldsOf, isKnownTo, legacyKind, type Type } from './schema.ts'
import {
  integerOf,
  isMapping,
  type Mapping,
  type Path,
  pathText,
  Plain,
  resolvePlain,
  type Tree,
  type Value,
  plainValue,
  scalarText,
} from './tree.ts'

/** What is wrong with a text, and where it stands within its document. */
export interface ConfigFault {
  readonly path: Path
  readonly why: string
}

export interface Decoded<T> {
  readonly value: T
  readonly faults: readonly ConfigFault[]
}

/**
 * Reads a document with the types that Talos gives its settings, and finds what a node would refuse: kinds and settings
 * that it does not know, and values of another type. `minors` are the releases that are to accept it: `1.13`.
 */
export function decodeDocument(tree: Tree, minors: readonly string[]): Decoded<ConfigDocument> {
  const faults: ConfigFault[] = []
  const wrong = (path: Path, why: string) => void faults.push({ path, why })
  if (!isMapping(tree)) {
    wrong([], 'a document is settings by their names')
    return { value: {}, faults }
  }
  const kind = kindIn(tree, minors, wrong)
  if (kind === undefined) return { value: {}, faults }
  const type = documentKinds().get(kind)!.type
  const value = decodeValue(tree, type, { path: [], minors, wrong })
  return { value: isMapping(value ?? null) ? (value as ConfigDocument) : {}, faults }
}

type Wrong = (path: Path, why: string) => void

/** Undefined where it has none that is known: then nothing else in it can be judged. */
function kindIn(tree: Mapping<Tree>, minors: readonly string[], wrong: Wrong): string | undefined {
  const { kind: given, apiVersion: version } = tree
  const legacy = ['machine', 'cluster', 'debug', 'persist'].some((key) => Object.hasOwn(tree, key))
  if (given === undefined) {
    if (version === undefined && (legacy || scalarText(tree['version']) === apiVersion)) return legacyKind
    wrong([], 'has neither a kind nor `machine` or `cluster`')
    return undefined
  }
  const kind = scalarText(given)
  if (kind === undefined || kind === legacyKind || !isKind(kind)) {
    const near = nearest(kind ?? '', [...documentKinds().keys()])
    wrong(['kind'], `is not a kind of document that Talos knows${near === undefined ? '' : `; did you mean ${near}?`}`)
    return undefined
  }
  if (scalarText(version) !== apiVersion) wrong(['apiVersion'], `has to be ${apiVersion}`)
  const field = documentKinds().get(kind)!
  if (!isKnownTo(field, minors)) wrong(['kind'], lifeText(kind, field))
  return kind
}

interface Place {
  readonly path: Path
  readonly minors: readonly string[]
  readonly wrong: Wrong
}

function below(place: Place, part: string | number): Place {
  return { ...place, path: [...place.path, part] }
}

/** Undefined where nothing is set. */
function decodeValue(tree: Tree, type: Type, place: Place): Value | undefined {
  if (tree instanceof Plain && resolvePlain(tree.source) === null && type.kind !== 'anything') return undefined
  switch (type.kind) {
    case 'text':
      return scalarText(tree) ?? refuse(place, 'a text')
    case 'duration':
      return goDuration(scalarText(tree) ?? '') ?? refuse(place, 'a duration such as 2m or 1h30m')
    case 'integer':
      return (tree instanceof Plain ? integerOf(tree.source) : undefined) ?? refuse(place, 'a whole number')
    case 'number':
      return numberIn(tree) ?? refuse(place, 'a number')
    case 'flag':
      return flagIn(tree) ?? refuse(place, 'true or false')
    case 'anything':
      return plainValue(tree)
    case 'arguments':
      return decodeEntries(tree, place, (one, at) => {
        if (Array.isArray(one)) return decodeValue(one as Tree, { kind: 'list', of: { kind: 'text' } }, at)
        return scalarText(one) ?? refuse(at, 'a text, or a list of texts')
      })
    case 'map':
      return decodeEntries(tree, place, (one, at) => decodeValue(one, type.of, at))
    case 'list':
      if (!Array.isArray(tree)) return refuse(place, 'a list')
      return (tree as readonly Tree[]).map((one, index) => decodeValue(one, type.of, below(place, index)) ?? null)
    case 'struct':
      return decodeStruct(tree, type.name, place)
    default:
      return type satisfies never
  }
}

function decodeStruct(tree: Tree, name: string, place: Place): Value | undefined {
  const fields = fieldsOf(name)
  return decodeEntries(tree, place, (one, at) => {
    const key = String(at.path.at(-1))
    const field = fields.get(key)
    if (!field) return unknown(key, fields, at)
    if (!isKnownTo(field, at.minors)) at.wrong(at.path, lifeText(pathText(at.path), field))
    return decodeValue(one, field.type, at)
  })
}

function decodeEntries(
  tree: Tree,
  place: Place,
  decode: (one: Tree, at: Place) => Value | undefined,
): Mapping<Value> | undefined {
  if (!isMapping(tree)) return refuse(place, 'settings by their names')
  const entries = Object.entries(tree).flatMap(([key, one]) => {
    const value = decode(one, below(place, key))
    return value === undefined ? [] : [[key, value] as const]
  })
  return Object.fromEntries(entries)
}

function unknown(key: string, fields: ReadonlyMap<string, Field>, { path, wrong }: Place): undefined {
  const near = nearest(key, [...fields.keys()])
  wrong(path, `is not a setting that Talos knows${near === undefined ? '' : `; did you mean ${near}?`}`)
  return undefined
}

function refuse({ path, wrong }: Place, wanted: string): undefined {
  wrong(path, `has to be ${wanted}`)
  return undefined
}

function lifeText(what: string, { since, until }: Field): string {
  return until === undefined ? `${what} needs Talos ${since} or later` : `${what} is gone since Talos ${until}`
}

function numberIn(tree: Tree): number | undefined {
  const value = tree instanceof Plain ? resolvePlain(tree.source) : undefined
  return typeof value === 'number' ? value : undefined
}

/** YAML 1.1's words count, too, where Talos wants true or false (go.yaml.in/yaml/v4, resolve.go). */
function flagIn(tree: Tree): boolean | undefined {
  if (!(tree instanceof Plain)) return undefined
  if (/^(true|y|yes|on)$/i.test(tree.source)) return true
  return /^(false|n|no|off)$/i.test(tree.source) ? false : undefined
}
