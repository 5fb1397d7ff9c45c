import { parseSync } from 'oxc-parser'

/** One small change of a source file that a test should notice. */
export interface Mutant {
  /** Where the change is, from 1. */
  readonly line: number
  readonly column: number
  /** The line as it stands in the source, trimmed. */
  readonly code: string
  /** `a < b → a <= b`, shortened where it is long. */
  readonly change: string
  /** The offsets of what is replaced, and what comes in its place. */
  readonly start: number
  readonly end: number
  readonly text: string
}

export interface Tree {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

type Replace = (at: { readonly start: number; readonly end: number }, text: string) => void

/**
 * Every change of these kinds, each of them alone: a condition that always or never holds, a boundary moved by one, an
 * operand left out, a default that is not taken or always taken, an optional chain without its question mark, arithmetic
 * turned round, literals flipped, elements and spreads left out, calls and assignments left out, `some` for `every`, `min`
 * for `max`, a filter or an order that is not applied. Types, imports and sentences stay as they are.
 *
 * @throws Error where the text is no TypeScript
 */
export function mutate(path: string, text: string): readonly Mutant[] {
  const { program, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]!.message}`)
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
  const found = new Map<string, Mutant>()
  const replace: Replace = ({ start, end }, replacement) => {
    const before = text.slice(start, end)
    // What begins with a brace would be a block where an expression is the body of an arrow function.
    const safe = replacement.startsWith('{') ? `(${replacement})` : replacement
    if (safe === before) return
    const line = starts.findLastIndex((at) => at <= start)
    const code = text.slice(starts[line], starts[line + 1]).trim()
    const mutant = {
      line: line + 1,
      column: start - starts[line]! + 1,
      code,
      change: `${shorten(before)} → ${safe === ';' || safe === '' ? 'nothing' : shorten(safe)}`,
      start,
      end,
      text: safe,
    }
    found.set(`${start} ${end} ${safe}`, mutant)
  }
  visit(program as unknown as Tree, undefined, false, { text, replace })
  return [...found.values()].filter((mutant) => parseSync(path, apply(text, mutant)).errors.length === 0)
}

/** The source with this change in it. */
export function apply(text: string, { start, end, text: replacement }: Mutant): string {
  return text.slice(0, start) + replacement + text.slice(end)
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > 70 ? `${line.slice(0, 45)} … ${line.slice(-22)}` : line
}

interface Context {
  readonly text: string
  readonly replace: Replace
}

/** What a type says is wrong at run time anyway; the expressions inside are not. */
const typed = ['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression']
const foreign = ['ImportDeclaration', 'ExportAllDeclaration', 'TemplateLiteral']

/** `isCondition`: only whether it is true or false counts here. */
function visit(node: Tree, parent: Tree | undefined, isCondition: boolean, context: Context): void {
  if (node.type.startsWith('TS') && !typed.includes(node.type)) return
  if (foreign.includes(node.type)) return
  mutators[node.type]?.(node, parent, context)
  if (isCondition && isAtom(node)) force(node, context)
  for (const [key, child] of childrenOf(node)) visit(child, node, isConditionOf(node, key, isCondition), context)
}

function childrenOf(node: Tree): (readonly [string, Tree])[] {
  return Object.entries(node).flatMap(([key, value]) =>
    [value]
      .flat()
      .filter((one): one is Tree => typeof one === 'object' && one !== null && 'type' in one)
      .map((one) => [key, one] as const),
  )
}

function isConditionOf(node: Tree, key: string, isCondition: boolean): boolean {
  if (key === 'test') return ['IfStatement', 'ConditionalExpression'].includes(node.type)
  if (node.type === 'LogicalExpression') return isCondition && node['operator'] !== '??'
  return node.type === 'ParenthesizedExpression' && isCondition
}

const compares = ['<', '<=', '>', '>=', '==', '!=', '===', '!==', 'in', 'instanceof']
const isComparison = (node: Tree) => node.type === 'BinaryExpression' && compares.includes(node['operator'] as string)
const isNegation = (node: Tree) => node.type === 'UnaryExpression' && node['operator'] === '!'

/** What is true or false by itself, and not by what it is put together from. Comparisons have their own mutator. */
function isAtom(node: Tree): boolean {
  if (node.type === 'LogicalExpression') return node['operator'] === '??'
  return node.type !== 'ParenthesizedExpression' && node.type !== 'Literal' && !isComparison(node) && !isNegation(node)
}

function force(node: Tree, { replace }: Context): void {
  replace(node, 'true')
  replace(node, 'false')
}

type Mutator = (node: Tree, parent: Tree | undefined, context: Context) => void

const boundaries: Readonly<Record<string, string>> = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' }
const arithmetic: Readonly<Record<string, string>> = { '+': '-', '-': '+', '*': '/', '/': '*', '%': '*', '**': '*' }
const assignments: Readonly<Record<string, string>> = { '+=': '-=', '-=': '+=', '*=': '/=', '/=': '*=' }
/** Methods that give back what they were called on, with less or in another order. */
const passing = ['filter', 'slice', 'sort', 'toSorted', 'reverse', 'toReversed', 'trim', 'toLowerCase', 'toUpperCase']
const opposites: Readonly<Record<string, string>> = {
  some: 'every',
  every: 'some',
  min: 'max',
  max: 'min',
}

const mutators: Readonly<Record<string, Mutator>> = {
  BinaryExpression: (node, _parent, context) => {
    const operator = node['operator'] as string
    if (isComparison(node)) force(node, context)
    const other = boundaries[operator] ?? (isText(node) ? undefined : arithmetic[operator])
    if (other !== undefined) replaceOperator(node, operator, other, context)
  },
  UnaryExpression: (node, _parent, context) => {
    if (isNegation(node)) force(node, context)
    if (node['operator'] === '-') context.replace(node, sourceOf(node['argument'] as Tree, context))
  },
  LogicalExpression: (node, _parent, context) => {
    const [left, right] = [node['left'] as Tree, node['right'] as Tree]
    // An operand that is true or false alone is left out by being made so.
    const isForced = (operand: Tree) => isComparison(operand) || isNegation(operand)
    if (node['operator'] === '??' || !isForced(left)) context.replace(node, sourceOf(right, context))
    if (node['operator'] === '??' || !isForced(right)) context.replace(node, sourceOf(left, context))
  },
  AssignmentExpression: (node, _parent, context) => {
    const operator = node['operator'] as string
    const other = assignments[operator]
    if (other !== undefined) replaceOperator(node, operator, other, context)
  },
  UpdateExpression: (node, _parent, { text, replace }) => {
    const source = text.slice(node.start, node.end)
    replace(node, source.includes('++') ? source.replace('++', '--') : source.replace('--', '++'))
  },
  Literal: (node, parent, { replace }) => {
    const value = node['value']
    if (typeof value === 'boolean') replace(node, String(!value))
    if (typeof value === 'number') {
      if (value === 0 || value === 1) return replace(node, String(1 - value))
      replace(node, '0')
      replace(node, String(value * 2))
    }
    if (typeof value === 'string' && isSpoken(value, node, parent)) replace(node, value === '' ? "'x'" : "''")
  },
  ArrayExpression: (node, _parent, context) =>
    removeElements(node, node['elements'] as readonly (Tree | null)[], context),
  ObjectExpression: (node, _parent, context) => {
    const properties = node['properties'] as readonly Tree[]
    // Properties with a value are changed at the value.
    removeElements(
      node,
      properties,
      context,
      (one) => one.type === 'SpreadElement' || isNamed(one['value'], 'undefined'),
    )
  },
  ExpressionStatement: (node, _parent, { replace }) => {
    // `'use strict'` is one as well.
    if (typeof node['directive'] !== 'string') replace(node, ';')
  },
  ContinueStatement: (node, _parent, { replace }) => replace(node, ';'),
  MemberExpression: (node, parent, context) => {
    if (node['optional'] === true) withoutQuestionMark(node, node['object'] as Tree, context)
    if (parent?.type !== 'CallExpression' || parent['callee'] !== node || node['computed'] === true) return
    const property = node['property'] as Tree
    const name = property['name'] as string
    const other = opposites[name]
    if (other !== undefined && Object.hasOwn(opposites, name)) context.replace(property, other)
    if (passing.includes(name)) context.replace(parent, sourceOf(node['object'] as Tree, context))
  },
  CallExpression: (node, _parent, context) => {
    if (node['optional'] === true) withoutQuestionMark(node, node['callee'] as Tree, context)
  },
}

function sourceOf(node: Tree, { text }: Context): string {
  return text.slice(node.start, node.end)
}

function isNamed(node: unknown, name: string): boolean {
  const tree = node as Tree | undefined
  return tree?.type === 'Identifier' && tree['name'] === name
}

/** Texts are put together with `+`, and nothing else can be done with them. */
function isText(node: Tree): boolean {
  const isOne = (operand: Tree) =>
    operand.type === 'TemplateLiteral' || (operand.type === 'Literal' && typeof operand['value'] === 'string')
  return isOne(node['left'] as Tree) || isOne(node['right'] as Tree)
}

/** Whether a text is a name that something depends on: sentences are for people, and comparisons are changed as a whole. */
function isSpoken(value: string, node: Tree, parent: Tree | undefined): boolean {
  if (value.includes(' ') || parent === undefined) return false
  if (parent.type === 'Property' && parent['key'] === node && parent['value'] !== node) return false
  return !isComparison(parent) && parent.type !== 'SwitchCase' && parent.type !== 'ImportExpression'
}

function replaceOperator(node: Tree, operator: string, other: string, { text, replace }: Context): void {
  const from = (node['left'] as Tree).end
  const start = text.indexOf(operator, from)
  const source = text.slice(node.start, start) + other + text.slice(start + operator.length, node.end)
  replace(node, source)
}

function removeElements(
  node: Tree,
  elements: readonly (Tree | null)[],
  { text, replace }: Context,
  which: (element: Tree) => boolean = () => true,
): void {
  for (const [index, element] of elements.entries()) {
    if (element === null || !which(element)) continue
    const next = elements[index + 1]
    const before = elements[index - 1]
    const start = next || !before ? element.start : before.end
    const end = next ? next.start : before ? element.end : text.lastIndexOf(text[node.end - 1]!, node.end)
    replace({ start, end }, '')
  }
}

function withoutQuestionMark(node: Tree, before: Tree, { text, replace }: Context): void {
  const start = text.indexOf('?.', before.end)
  const needsDot = node.type === 'MemberExpression' && node['computed'] !== true
  replace(
    { start: node.start, end: node.end },
    text.slice(node.start, start) + (needsDot ? '.' : '') + text.slice(start + 2, node.end),
  )
}
