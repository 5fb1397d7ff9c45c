import { normalMac } from '../core/address.ts'
import { compareTexts } from '../core/text-order.ts'
import type { Draft, Item, List, Scalar, Setting } from '../core/setup/draft.ts'
import { flowText, isCollection, isMap, isNode, isSeq, type MapNode, openYaml, type SeqNode } from '../yaml.ts'
import { itemLines, linesOf, plainOf } from './draft-text.ts'

/** A change of a text: what stands between two offsets becomes this. */
interface Edit {
  readonly from: number
  readonly to: number
  readonly text: string
}

/** An older file, as far as it is edited. */
interface Older {
  readonly text: string
  readonly edits: Edit[]
}

/**
 * The older text brought up to date: settings of the draft get its values, new ones are added, and everything else stays
 * as it is written, comments among it. Undefined where the older text is no configuration that can be edited.
 */
export function mergeDraft(text: string, draft: Draft): string | undefined {
  const { document, faults } = openYaml(text)
  const root = document.contents
  if (faults.length > 0 || !isMap(root) || root.flow === true) return undefined
  const older: Older = { text, edits: [] }
  const added: string[] = []
  for (const setting of draft.settings) {
    if (setting.isOff) continue
    const pair = pairOf(root, setting.key)
    if (pair === undefined || pair.value === null || isEmpty(pair.value)) {
      if (pair) older.edits.push(wholePair(older, pair, ''))
      added.push(linesOf(setting, '').join('\n'))
    } else mergeValue(older, pair, setting)
  }
  const edited = apply(older)
  if (added.length === 0) return edited
  return `${edited.trimEnd()}\n\n${added.join('\n\n')}\n`
}

interface Pair {
  readonly key: unknown
  readonly value: unknown
}

function pairOf(map: MapNode, key: string): Pair | undefined {
  return map.items.find((pair) => String(isNode(pair.key) ? pair.key.toJSON() : pair.key) === key)
}

/** `nodes: []` and `share:` with nothing behind them. */
function isEmpty(value: unknown): boolean {
  if (!isNode(value)) return true
  return isCollection(value) ? value.items.length === 0 : value.toJSON() === null
}

function mergeValue(older: Older, pair: Pair, setting: Setting): void {
  const { value } = setting
  if (value.kind === 'group' && isMap(pair.value) && pair.value.flow !== true)
    return mergeGroup(older, pair.value, value.settings)
  if (value.kind === 'list' && isSeq(pair.value) && pair.value.flow !== true) return mergeList(older, pair.value, value)
  const plain = plainOf(value)
  if (isSame(setting.key, isNode(pair.value) ? pair.value.toJSON() : pair.value, plain)) return
  older.edits.push(newValue(older, pair, flowText(plain)))
}

function mergeGroup(older: Older, map: MapNode, settings: readonly Setting[]): void {
  for (const setting of settings) {
    if (setting.isOff) continue
    const pair = pairOf(map, setting.key)
    if (pair) mergeValue(older, pair, setting)
    else addTo(older, map, setting)
  }
}

function mergeList(older: Older, list: SeqNode, wanted: List): void {
  const fresh: Item[] = []
  const found = findSame(list, wanted)
  for (const item of wanted.items) {
    const same = found.get(item)
    if (!same) fresh.push(item)
    else
      mergeItem(
        older,
        same,
        item.settings.filter(({ key }) => same.has(key) || !(key in wanted.knownBy)),
      )
  }
  const last = list.items.at(-1)
  if (fresh.length === 0 || !isNode(last)) return
  const indent = ' '.repeat(Math.max(columnOf(older, last.range![0]) - 2, 0))
  const at = lineEnd(older, last.range![1])
  older.edits.push({ from: at, to: at, text: fresh.map((item) => `\n${itemLines(item, indent).join('\n')}`).join('') })
}

/** What it is known by without being written is not written now. */
function mergeItem(older: Older, map: MapNode, settings: readonly Setting[]): void {
  if (map.flow === true) replaceItem(older, map, settings)
  else mergeGroup(older, map, settings)
}

/** The older item of each: by what they are known by, and those that are left by anything else that tells them. */
function findSame({ items: all }: SeqNode, { knownBy, orBy = [], items }: List): ReadonlyMap<Item, MapNode> {
  const older = all.filter((one): one is MapNode => isMap(one))
  const found = new Map<Item, MapNode>()
  const note = (item: Item, test: (one: MapNode) => boolean) => {
    const same = older.find((one) => !new Set(found.values()).has(one) && test(one))
    if (same && !found.has(item)) found.set(item, same)
  }
  for (const item of items)
    note(item, (one) => Object.entries(knownBy).every(([key, usual]) => agrees(one, item, key, usual)))
  for (const key of orBy)
    for (const item of items) note(item, (one) => one.has(key) && agrees(one, item, key, undefined))
  return found
}

/** What is not written is the usual: a port. */
function agrees(map: MapNode, { settings }: Item, key: string, usual: Scalar | undefined): boolean {
  const wanted = settings.find((one) => one.key === key && !one.isOff)
  return isSame(key, map.get(key) ?? usual, wanted ? plainOf(wanted.value) : usual)
}

/** A flow map on one line, with what the draft does not name kept behind. */
function replaceItem(older: Older, map: MapNode, settings: readonly Setting[]): void {
  const before = map.toJSON() as Record<string, unknown>
  const on = settings.filter(({ isOff }) => !isOff).map(({ key, value }) => [key, plainOf(value)] as const)
  if (on.every(([key, value]) => key in before && isSame(key, before[key], value))) return
  const merged = { ...before, ...Object.fromEntries(on) }
  older.edits.push({ from: map.range![0], to: map.range![1], text: flowText(merged) })
}

function addTo(older: Older, map: MapNode, setting: Setting): void {
  const [first, last] = [map.items[0], map.items.at(-1)]
  if (!first || !last || !isNode(first.key)) return
  const indent = ' '.repeat(columnOf(older, first.key.range![0]))
  const end = isNode(last.value) ? last.value.range![1] : isNode(last.key) ? last.key.range![1] : 0
  const at = lineEnd(older, end)
  older.edits.push({ from: at, to: at, text: `\n${linesOf(setting, indent).join('\n')}` })
}

/** The pair keeps its key, and the note behind it. */
function newValue({ text }: Older, { key, value }: Pair, words: string): Edit {
  const afterKey = isNode(key) ? text.indexOf(':', key.range![1]) + 1 : 0
  const end = isNode(value) && value.range ? value.range[1] : afterKey
  const written = text.slice(afterKey, end)
  return { from: afterKey, to: afterKey + written.trimEnd().length, text: ` ${words}` }
}

/** The pair's own lines. */
function wholePair({ text }: Older, { key, value }: Pair, words: string): Edit {
  const from = isNode(key) ? key.range![0] : 0
  const end = isNode(value) && value.range ? value.range[1] : isNode(key) ? key.range![1] + 1 : from
  const lineBreak = text.indexOf('\n', Math.max(end - 1, from))
  return { from, to: lineBreak < 0 ? text.length : lineBreak + 1, text: words }
}

function columnOf({ text }: Older, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1)
}

/** Where the line ends that has the last character before this offset: a block ends at the start of the next line. */
function lineEnd({ text }: Older, offset: number): number {
  const last = text.slice(0, offset).trimEnd().length
  const end = text.indexOf('\n', Math.max(last - 1, 0))
  return end < 0 ? text.length : end
}

function apply({ text, edits }: Older): string {
  // At one place what was found first comes first.
  const ordered = edits.map((edit, index) => ({ ...edit, index }))
  ordered.sort((one, other) => other.from - one.from || other.index - one.index)
  return ordered.reduce((all, { from, to, text: words }) => all.slice(0, from) + words + all.slice(to), text)
}

/** MAC addresses are the same however they are written, names of hosts in any case. */
function isSame(key: string, one: unknown, other: unknown): boolean {
  const spelled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(spelled)
    if (typeof value !== 'string') return value
    if (key === 'mac') return normalMac(value) ?? value
    return key === 'host' || key === 'address' ? value.toLowerCase() : value
  }
  const sorted = (value: unknown) =>
    JSON.stringify(key === 'mac' ? [value].flat().map(spelled).map(String).toSorted(compareTexts) : spelled(value))
  return sorted(one) === sorted(other)
}
