import type { Draft, Inline, Item, Setting, Value } from '../core/setup/draft.ts'
import { flowText } from '../yaml.ts'
import { assertNever } from '../core/errors.ts'

/** Lines of comments are as wide as those of config/example/caretaker.yaml. */
const widest = 120

/** A draft as YAML, with its comments. What is off stands there as a comment. */
export function writeDraft({ heading, settings }: Draft): string {
  const blocks = settings.map((one) => linesOf(one, '').join('\n'))
  return `${[comments(heading, '').join('\n'), ...blocks].join('\n\n')}\n`
}

/** The lines of one setting, its comments among them. */
export function linesOf({ key, value, above = [], beside, isOff }: Setting, indent: string): readonly string[] {
  const before = comments(above, indent)
  const { first, rest } = partsOf(key, value, indent)
  const lines = [...withNote(first, beside, indent), ...rest]
  if (!isOff) return [...before, ...lines]
  return [...before, ...lines.map((line) => `${indent}# ${line.slice(indent.length)}`)]
}

function partsOf(
  key: string,
  value: Value,
  indent: string,
): { readonly first: string; readonly rest: readonly string[] } {
  switch (value.kind) {
    case 'inline':
      return { first: `${indent}${key}: ${flowText(value.value)}`, rest: [] }
    case 'group':
      return {
        first: `${indent}${key}:`,
        rest: value.settings.flatMap((one) => linesOf(one, `${indent}  `)),
      }
    case 'list':
      if (value.items.length === 0) return { first: `${indent}${key}: []`, rest: [] }
      return { first: `${indent}${key}:`, rest: value.items.flatMap((item) => itemLines(item, `${indent}  `)) }
    default:
      return assertNever(value)
  }
}

/** The lines of an item of a list. A setting that is off can't be the first. */
export function itemLines({ settings, above = [] }: Item, indent: string): readonly string[] {
  const lines = settings.flatMap((one) => linesOf(one, `${indent}  `))
  const at = lines.findIndex((line) => !/^ *#/.test(line))
  return [
    ...comments(above, indent),
    ...lines.map((line, index) => (index === at ? `${indent}- ${line.trimStart()}` : line)),
  ]
}

/** A note that is too long for the line stands above it. */
function withNote(line: string, note: string | undefined, indent: string): readonly string[] {
  if (note === undefined) return [line]
  const whole = `${line} # ${oneLine(note)}`
  return whole.length <= widest ? [whole] : [...comments([note], indent), line]
}

function comments(lines: readonly string[], indent: string): readonly string[] {
  return lines.flatMap((line) =>
    wrap(oneLine(line), widest - indent.length - 2).map((part) => (part === '' ? `${indent}#` : `${indent}# ${part}`)),
  )
}

/** What was read elsewhere may hold anything: a comment stays one line. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029\s]+/gu, ' ').trim()
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** A value as it is kept in YAML, for whoever edits a document. */
export function plainOf(value: Value): Inline {
  switch (value.kind) {
    case 'inline':
      return value.value
    case 'group':
      return Object.fromEntries(settingsOn(value.settings))
    case 'list':
      return value.items.map(({ settings }) => Object.fromEntries(settingsOn(settings)))
    default:
      return assertNever(value)
  }
}

function settingsOn(settings: readonly Setting[]): readonly (readonly [string, Inline])[] {
  return settings.flatMap(({ key, value, isOff }) => (isOff ? [] : [[key, plainOf(value)] as const]))
}
