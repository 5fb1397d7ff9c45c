import { flowText, isMap, isNode, isSeq, type MapNode, openYaml, type SeqNode } from '../yaml.ts'

type Range = readonly [from: number, to: number]

/** What stands in one entry of the list, less what is taken out of it. */
export type Kept = (argument: string) => boolean

/**
 * The text of a schematic with other kernel arguments: those that are not kept are taken out, and `added` stand in their place,
 * or at the end. Everything else stays as it is written, comments among it. Undefined where the text can't be edited so.
 */
export function withKernelArguments(text: string, isKept: Kept, added: readonly string[]): string | undefined {
  const { document, faults } = openYaml(text)
  const root = document.contents
  if (faults.length > 0 || (root !== null && (!isMap(root) || root.flow === true))) return undefined
  const customization = valueIn(root, 'customization')
  if (isMap(customization) && customization.items.length > 0) {
    if (customization.flow === true) return undefined
    const list = valueIn(customization, 'extraKernelArgs')
    if (isSeq(list) && list.items.length > 0) return editList(text, list, isKept, added)
    return addList(text, customization, added)
  }
  const pair = pairIn(root, 'customization')
  const lines = ['customization:', '  extraKernelArgs:', ...added.map((one) => `    - ${itemText(one)}`)]
  if (pair === undefined) return `${text.trimEnd()}${text.trim() === '' ? '' : '\n'}${lines.join('\n')}\n`
  const [from, to] = rangeOfPair(text, pair)
  return `${text.slice(0, from)}${lines.join('\n')}${text.slice(to)}`
}

interface Pair {
  readonly key: unknown
  readonly value: unknown
}

function pairIn(map: unknown, key: string): Pair | undefined {
  if (!isMap(map)) return undefined
  return map.items.find((pair) => isNode(pair.key) && pair.key.toJSON() === key)
}

function valueIn(map: unknown, key: string): unknown {
  return pairIn(map, key)?.value
}

/** From its key to the end of its value, which may be nothing. */
function rangeOfPair(text: string, { key, value }: Pair): Range {
  const [from, keyEnd] = rangeOf(key)
  const to = isNode(value) && value.range ? value.range[1] : keyEnd
  // A value that is nothing has no place behind the colon.
  return [from, Math.max(to, text.indexOf(':', keyEnd) + 1)]
}

function rangeOf(node: unknown): Range {
  const range = isNode(node) ? node.range : undefined
  return range ? [range[0], range[1]] : [0, 0]
}

/** Where there was no list: it becomes the first setting. */
function addList(text: string, customization: MapNode, added: readonly string[]): string {
  const empty = pairIn(customization, 'extraKernelArgs')
  const [first] = rangeOf(customization.items[0]?.key)
  const indent = ' '.repeat(first - lineStart(text, first))
  const list = ['extraKernelArgs:', ...added.map((one) => `${indent}  - ${itemText(one)}`)].join('\n')
  if (empty) {
    const [from, to] = rangeOfPair(text, empty)
    return `${text.slice(0, from)}${list}${text.slice(to)}`
  }
  return `${text.slice(0, first)}${list}\n${indent}${text.slice(first)}`
}

interface Edit {
  readonly at: Range
  readonly lines: readonly string[]
}

function editList(text: string, list: SeqNode, isKept: Kept, added: readonly string[]): string {
  const items = list.items.map((item) => ({
    range: rangeOf(item),
    argument: String(isNode(item) ? item.toJSON() : item),
  }))
  const left = items.map(({ range, argument }) => {
    const words = argument.split(/\s+/).filter((word) => word !== '')
    const kept = words.filter(isKept)
    return {
      range,
      argument: kept.length === words.length ? argument : kept.join(' '),
      isSame: kept.length === words.length,
    }
  })
  if (list.flow === true) {
    const all = [...left.map(({ argument }) => argument).filter((one) => one !== ''), ...added]
    const [from, to] = rangeOf(list)
    return `${text.slice(0, from)}[${all.map((one) => flowText(one)).join(', ')}]${text.slice(to)}`
  }
  const dash = text.lastIndexOf('-', items[0]!.range[0])
  const before = text.slice(lineStart(text, dash), dash)
  const line = (argument: string) => `${before}- ${itemText(argument)}`
  const place = left.findIndex(({ isSame }) => !isSame)
  const at = place < 0 ? left.length - 1 : place
  const edits: Edit[] = left.flatMap(({ range, argument, isSame }, index) => {
    const own = linesAt(text, range)
    const kept = isSame ? [text.slice(...own).replace(/\n$/, '')] : argument === '' ? [] : [line(argument)]
    const more = index === at ? added.map(line) : []
    return isSame && more.length === 0 ? [] : [{ at: own, lines: [...kept, ...more] }]
  })
  return edits.toReversed().reduce((edited, { at: [from, to], lines }) => {
    return `${edited.slice(0, from)}${lines.map((one) => `${one}\n`).join('')}${edited.slice(to)}`
  }, text)
}

/** The lines that a range is on, whole. */
function linesAt(text: string, [from, to]: Range): Range {
  const end = text.indexOf('\n', Math.max(from, to - 1))
  return [lineStart(text, from), end < 0 ? text.length : end + 1]
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1
}

/** An argument as an item of a list: in quotes where it would read as something else. */
function itemText(argument: string): string {
  return /^[A-Za-z][^#'"\s]*$/.test(argument) && !argument.endsWith(':') ? argument : flowText(argument)
}
