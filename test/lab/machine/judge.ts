import { decodeDocument } from '../../../src/core/machine-config/decode.ts'
import { isKind, legacyIn, type MachineConfig } from '../../../src/core/machine-config/document.ts'
import { isMapping, pathText, type Tree, scalarText } from '../../../src/core/machine-config/tree.ts'
import { refusalsOf } from '../../../src/core/machine-config/validate.ts'
import { messageOf } from '../../../src/core/errors.ts'
import { parseTrees, type TreeDocument } from '../../../src/yaml.ts'

/** What a machine makes of a text that it was given as its configuration. */
export type Judged =
  | { readonly kind: 'none' }
  | { readonly kind: 'bad'; readonly why: string }
  /** Documents, and none with `machine` and `cluster`: it waits in maintenance. */
  | { readonly kind: 'incomplete'; readonly config: MachineConfig }
  | { readonly kind: 'complete'; readonly config: MachineConfig }

/** `version`: the release that judges. Its refusals are as good as the product's own copy of Talos' rules, which the real tool judges. */
export function judge(text: string, version: string): Judged {
  let documents: readonly TreeDocument[]
  try {
    documents = parseTrees(text, 'go-yaml')
  } catch (error) {
    return { kind: 'bad', why: `go-yaml load error in scanner: ${messageOf(error).replace(/^go-yaml: /, '')}` }
  }
  const trees = documents.map(({ tree }) => tree).filter((tree) => !isNothing(tree))
  if (trees.length === 0) return { kind: 'none' }
  const config = []
  for (const tree of trees) {
    const read = readDocument(tree, version)
    if (typeof read === 'string') return { kind: 'bad', why: read }
    config.push(read)
  }
  if (!legacyIn(config)) return { kind: 'incomplete', config }
  const refusals = refusalsOf(config)
  return refusals.length > 0
    ? { kind: 'bad', why: `${refusals.length} errors occurred: ${refusals.join('; ')}` }
    : { kind: 'complete', config }
}

/** One document, or why it is none, in Talos' words. */
function readDocument(tree: Tree, version: string): MachineConfig[number] | string {
  if (!isMapping(tree)) return 'expected a YAML document at line 1'
  const kind = scalarText(tree['kind'])
  const known = ['machine', 'cluster', 'debug', 'persist', 'version'].some((key) => Object.hasOwn(tree, key))
  if (kind === undefined && !known) return 'missing kind'
  if (kind !== undefined && !isKind(kind)) return `"${kind}" "${scalarText(tree['apiVersion']) ?? ''}": not registered`
  const minor = /^v(\d+\.\d+)/.exec(version)?.[1] ?? ''
  const { value, faults } = decodeDocument(tree, [minor])
  if (faults.length > 0)
    return `unknown keys found during decoding:\n${faults.map(({ path, why }) => `${pathText(path)}: ${why}`).join('\n')}`
  return value
}

function isNothing(tree: Tree): boolean {
  return (
    typeof tree !== 'string' && !Array.isArray(tree) && !isMapping(tree) && /^(|~|null)$/i.test(scalarText(tree) ?? '')
  )
}
