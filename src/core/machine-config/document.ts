import { documentKinds, isNamed, legacyKind } from './schema.ts'
import type { Mapping, Value } from './tree.ts'

/** One document of a machine configuration: the one with `machine` and `cluster`, which has no kind, or one with a kind. */
export type ConfigDocument = Mapping<Value>

/** A machine configuration, as a stream of documents. */
export type MachineConfig = readonly ConfigDocument[]

export const apiVersion = 'v1alpha1'

export function kindOf({ kind }: ConfigDocument): string {
  return typeof kind === 'string' ? kind : legacyKind
}

/** What tells a document from others: two of a configuration never have the same, and a patch finds its document by it. */
export function identityOf(document: ConfigDocument): string {
  const kind = kindOf(document)
  const { name } = document
  return isNamed(kind) && typeof name === 'string' ? `${kind}/${name}` : kind
}

export function isKind(kind: string): boolean {
  return documentKinds().has(kind)
}

/** The document with `machine` and `cluster`; undefined where a configuration has none, and is incomplete. */
export function legacyIn(config: MachineConfig): ConfigDocument | undefined {
  return config.find((document) => kindOf(document) === legacyKind)
}

export function ofKind(config: MachineConfig, kind: string): ConfigDocument | undefined {
  return config.find((document) => kindOf(document) === kind)
}

/** What stands at a path; undefined where nothing does. */
export function valueAt(document: ConfigDocument | undefined, ...path: readonly string[]): Value | undefined {
  let value: Value | undefined = document
  for (const part of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    value = (value as Mapping<Value>)[part]
  }
  return value
}
