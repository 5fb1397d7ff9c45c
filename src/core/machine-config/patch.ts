import { AgentError } from '../errors.ts'
import { type ConfigFault, decodeDocument } from './decode.ts'
import { deleteFrom, type Deletion, takeDeletions } from './deletion.ts'
import { type ConfigDocument, identityOf, type MachineConfig } from './document.ts'
import { applyOperations, type Operation, parseOperations } from './json-patch.ts'
import { mergeDocuments } from './merge.ts'
import { isMapping, type Mapping, Plain, resolvePlain, type Tree, type Value, plainValue } from './tree.ts'

/** A patch of a machine configuration: documents that are merged, with what they delete, or a JSON patch. */
export type Patch =
  | { readonly kind: 'strategic'; readonly steps: readonly Step[] }
  | { readonly kind: 'json'; readonly operations: readonly Operation[] }

/** A fault of a text, by the document that has it, counted from 0. */
export interface DocumentFault extends ConfigFault {
  readonly document: number
}

/** What a patch does, in its order. */
export type Step = { readonly delete: Deletion } | { readonly merge: ConfigDocument }

export interface ParsedPatch {
  readonly patch: Patch
  readonly faults: readonly DocumentFault[]
}

/**
 * Reads a patch from the documents of its text, for releases that are to accept the result. It is not applied where it
 * has faults.
 */
export function parsePatch(documents: readonly Tree[], minors: readonly string[]): ParsedPatch {
  const faults: DocumentFault[] = []
  const guarded = <T>(document: number, fallback: T, read: () => T): T => {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof AgentError)) throw error
      faults.push({ document, path: [], why: error.message })
      return fallback
    }
  }
  const [first] = documents
  if (documents.length === 1 && Array.isArray(first)) {
    const operations = guarded(0, [], () => parseOperations(plainValue(first as Tree)) ?? [])
    return { patch: { kind: 'json', operations }, faults }
  }
  const seen = new Set<string>()
  const steps = documents.flatMap((tree, document): readonly Step[] => {
    if (isNothing(tree)) return []
    const { deletions, rest } = guarded(document, { deletions: [], rest: undefined }, () => takeDeletions(tree))
    const deleted = deletions.map((deletion): Step => ({ delete: deletion }))
    if (rest === undefined) return deleted
    const decoded = decodeDocument(rest, minors)
    faults.push(...decoded.faults.map((fault) => ({ ...fault, document })))
    const identity = identityOf(decoded.value)
    if (decoded.faults.length === 0 && seen.has(identity))
      faults.push({ document, path: [], why: `${identity} is there twice` })
    seen.add(identity)
    return [...deleted, { merge: decoded.value }]
  })
  return { patch: { kind: 'strategic', steps }, faults }
}

/**
 * Applies patches, one after the other. `apply(c, [a, b])` is `apply(apply(c, a), b)`.
 *
 * @throws AgentError `misconfigured` where one can't be applied, and why
 */
export function applyPatches(
  config: MachineConfig,
  patches: readonly Patch[],
  minors: readonly string[],
): MachineConfig {
  return patches.reduce(
    (patched, patch) =>
      patch.kind === 'json' ? applyJson(patched, patch.operations, minors) : applySteps(patched, patch.steps),
    config,
  )
}

/** What a patch has of a document that is not there is added, and what it deletes there is gone already. */
function applySteps(config: MachineConfig, steps: readonly Step[]): MachineConfig {
  const documents = new Map(config.map((document) => [identityOf(document), document]))
  for (const step of steps) {
    if ('merge' in step) {
      const identity = identityOf(step.merge)
      const document = documents.get(identity)
      documents.set(identity, document ? mergeDocuments(document, step.merge) : step.merge)
      continue
    }
    const { identity } = step.delete
    const document = documents.get(identity)
    const left = document && deleteFrom(document, step.delete)
    if (left) documents.set(identity, left)
    else documents.delete(identity)
  }
  return [...documents.values()]
}

/** As the real tool does: a path could not say which of several documents it means. */
function applyJson(config: MachineConfig, operations: readonly Operation[], minors: readonly string[]): MachineConfig {
  const [document, ...others] = config
  if (!document || others.length > 0)
    throw new AgentError(
      'misconfigured',
      'a JSON patch needs a machine configuration of one document; write it as a strategic merge patch',
    )
  const patched = applyOperations(document, operations)
  const { value, faults } = decodeDocument(treeOf(patched), minors)
  const [fault] = faults
  if (fault) throw new AgentError('misconfigured', `the JSON patch: ${fault.path.join('.')} ${fault.why}`)
  return [value]
}

function isNothing(tree: Tree): boolean {
  return tree instanceof Plain && resolvePlain(tree.source) === null
}

/** What was read before as a text to be read. */
function treeOf(value: Value): Tree {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return (value as readonly Value[]).map(treeOf)
  return isMapping(value) ? mapped(value, treeOf) : new Plain(`${value as number | boolean | null}`)
}

function mapped<A, B>(mapping: Mapping<A>, change: (value: A) => B): Mapping<B> {
  return Object.fromEntries(Object.entries(mapping).map(([key, value]) => [key, change(value)]))
}
