import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { join, posix, sep } from 'node:path'
import { parseSync } from 'oxc-parser'

/** A file of the project, as text and as what its code says. Paths have `/`, and begin at the root of the project. */
export interface SourceFile {
  readonly path: string
  readonly text: string
  readonly lines: number
  readonly imports: readonly Import[]
  readonly functions: readonly FoundFunction[]
  /** What reads a clock, sets a timer, makes a signal or asks the process: `setTimeout`, `new Date()`, `AbortSignal.any`. */
  readonly impurities: readonly { readonly what: string; readonly line: number }[]
}

export interface Import {
  /** As it is written. */
  readonly specifier: string
  /** The file that it names; undefined for a package. */
  readonly target: string | undefined
  /** What is taken from it, `*` for all. */
  readonly names: readonly string[]
}

export interface FoundFunction {
  readonly name: string
  readonly line: number
  readonly lines: number
  /** Lines that are not those of functions inside it. */
  readonly ownLines: number
  readonly parameters: number
}

export interface Tree {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

/** Reads the TypeScript and JavaScript files below these folders; generated ones are left out. */
export async function readSources(root: string, folders: string): Promise<readonly SourceFile[]> {
  const found: SourceFile[] = []
  for await (const file of glob(folders, { cwd: root })) {
    const path = file.split(sep).join('/')
    if (!path.includes('/gen/')) found.push(parseSource(path, readFileSync(join(root, path), 'utf8')))
  }
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

/** @throws Error where the text is neither */
export function parseSource(path: string, text: string): SourceFile {
  const { program, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]!.message}`)
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
  const lineOf = (offset: number) => starts.findLastIndex((start) => start <= offset) + 1
  const file = {
    path,
    text,
    lines: starts.length - 1,
    imports: [] as Import[],
    functions: [] as FoundFunction[],
    impurities: [] as { what: string; line: number }[],
  }
  visit(program as unknown as Tree, undefined, (node, parent) => {
    const specifier = specifierOf(node)
    if (specifier !== undefined) {
      const target = specifier.startsWith('.') ? posix.normalize(posix.join(posix.dirname(path), specifier)) : undefined
      file.imports.push({ specifier, target, names: namesOf(node) })
    }
    if (isFunction(node)) file.functions.push(measure(node, parent, lineOf))
    const what = impurityOf(node, parent)
    if (what !== undefined) file.impurities.push({ what, line: lineOf(node.start) })
  })
  return file
}

export function visit(
  node: Tree,
  parent: Tree | undefined,
  each: (node: Tree, parent: Tree | undefined) => void,
): void {
  each(node, parent)
  for (const child of childrenOf(node)) visit(child, node, each)
}

function childrenOf(node: Tree): Tree[] {
  return Object.values(node)
    .flat()
    .filter((value): value is Tree => typeof value === 'object' && value !== null && 'type' in value)
}

function specifierOf(node: Tree): string | undefined {
  const isImport = [
    'ImportDeclaration',
    'ExportNamedDeclaration',
    'ExportAllDeclaration',
    'ImportExpression',
    'TSImportType',
  ]
  if (!isImport.includes(node.type)) return undefined
  const source = (node['source'] ?? node['argument']) as { value?: unknown; literal?: { value?: unknown } } | null
  const value = source?.value ?? source?.literal?.value
  return typeof value === 'string' ? value : undefined
}

function namesOf(node: Tree): string[] {
  const specifiers = (node['specifiers'] ?? []) as { imported?: { name: string }; local?: { name: string } }[]
  return specifiers.length === 0 ? ['*'] : specifiers.map((one) => one.imported?.name ?? one.local?.name ?? '*')
}

function isFunction(node: Tree): boolean {
  return (
    ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'].includes(node.type) &&
    node['body'] !== null
  )
}

function measure(node: Tree, parent: Tree | undefined, lineOf: (offset: number) => number): FoundFunction {
  const line = lineOf(node.start)
  const lines = lineOf(node.end) - line + 1
  const inner = functionsBelow(node).map((one) => lineOf(one.end) - lineOf(one.start) + 1)
  return {
    name: nameOf(node, parent),
    line,
    lines,
    ownLines: lines - inner.reduce((sum, one) => sum + one, 0),
    parameters: (node['params'] as unknown[]).length,
  }
}

/** The functions right inside a node, without those that are in them. */
function functionsBelow(node: Tree): Tree[] {
  return childrenOf(node).flatMap((child) => (isFunction(child) ? [child] : functionsBelow(child)))
}

function nameOf(node: Tree, parent: Tree | undefined): string {
  const named = (node['id'] ?? parent?.['id'] ?? parent?.['key'] ?? parent?.['callee']) as { name?: string } | null
  return named?.name ?? 'a function'
}

const timers = ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'performance', 'process']

/** What core leaves to those who call it. Types are free: `signal: AbortSignal` is no impurity. */
function impurityOf(node: Tree, parent: Tree | undefined): string | undefined {
  const named = (value: unknown, name: string) => (value as { name?: string } | undefined)?.name === name
  if (node.type === 'NewExpression' && named(node['callee'], 'Date') && (node['arguments'] as unknown[]).length === 0)
    return 'new Date()'
  if (node.type === 'CallExpression' && named(node['callee'], 'Date')) return 'Date()'
  if (node.type === 'NewExpression' && named(node['callee'], 'AbortController')) return 'new AbortController'
  if (node.type === 'MemberExpression') {
    const property = (node['property'] as { name?: string; value?: string }) ?? {}
    const member = property.name ?? property.value
    if (named(node['object'], 'Date') && member === 'now') return 'Date.now'
    if (named(node['object'], 'AbortSignal') && ['timeout', 'any'].includes(member ?? ''))
      return `AbortSignal.${member}`
    if (named(node['object'], 'globalThis')) return `globalThis.${member}`
  }
  if (node.type !== 'Identifier' || !timers.includes(node['name'] as string)) return undefined
  const isName =
    (parent?.type === 'MemberExpression' && parent['property'] === node && parent['computed'] !== true) ||
    (parent?.type === 'Property' && parent['key'] === node && parent['shorthand'] !== true) ||
    parent?.type.startsWith('TS') === true
  return isName ? undefined : (node['name'] as string)
}
