import type { z } from 'zod'
import { listed } from '../core/count.ts'
import { assertNever } from '../core/errors.ts'
import type { Level } from './known-keys.ts'

type Issue = z.core.$ZodIssue

/** The message of every finding that the shape has no words of its own for. No person sees it. */
export const unworded = 'unworded'

/** Where it was found. */
interface Found {
  /** What may stand there. */
  readonly levels: readonly Level[]
  /** What stands there. */
  readonly given: unknown
  /** Whether something must. */
  readonly isRequired: boolean
}

/**
 * What the shape finds, in the words of whoever writes a configuration. The one place for them: the library's own speak
 * of types and of its input.
 */
export function wordsOfIssue(issue: Issue, found: Found): string {
  const { levels, given } = found
  switch (issue.code) {
    case 'invalid_type':
      return wordsOfType(issue.expected, found)
    case 'too_small':
    case 'too_big':
      return wordsOfSize(issue, levels)
    case 'invalid_value':
      return `use ${oneOf(issue.values)}`
    case 'invalid_union':
      return given === null || given === ''
        ? empty(found)
        : issue.errors.length === 0
          ? `use ${oneOf(choicesIn(levels))}`
          : wordsOfUnion(issue.errors, found)
    case 'invalid_format':
      return formats[issue.format] ?? 'has characters that are not allowed here'
    case 'invalid_key':
      return issue.issues[0] === undefined || issue.issues[0].message === unworded
        ? 'is not a name that is allowed here'
        : `is not a name that is allowed here: ${issue.issues[0].message}`
    case 'custom':
    case 'invalid_element':
    case 'not_multiple_of':
    case 'unrecognized_keys':
      return 'is not a value that is allowed here'
    default:
      return assertNever(issue)
  }
}

const formats: Readonly<Record<string, string>> = {
  url: 'use a URL such as https://nas.lan:8420/path',
  ipv4: 'use an IPv4 address such as 192.168.0.255',
  ipv6: 'use an IPv6 address such as fd00::1',
  cidrv4: 'use a network such as 192.168.0.0/24',
  cidrv6: 'use a network such as fd00::/64',
}

/** What is said of a setting that must be there: with the choices, where there are few. */
export function wordsOfMissing(issue: Issue, levels: readonly Level[]): string {
  if (issue.code === 'invalid_value' && issue.message !== unworded) return `is missing: ${issue.message}`
  const choices = choicesIn(levels)
  if (choices.length > 0) return `is missing: use ${oneOf(choices)}`
  return issue.code === 'invalid_union' && issue.message.startsWith('use ')
    ? `is missing: ${issue.message}`
    : 'is missing'
}

/** `amd64 or arm64`. */
export function oneOf(values: readonly unknown[]): string {
  return listed(values.map(String), 'or')
}

function choicesIn(levels: readonly Level[]): readonly unknown[] {
  return [...new Set(levels.flatMap((level) => [...(level.enum ?? []), ...(level.const ? [level.const] : [])]))]
}

const empty = ({ given, isRequired }: Pick<Found, 'given' | 'isRequired'>) =>
  given === '' || isRequired ? 'is empty: write a value' : 'is empty: write a value, or leave the setting out'

function wordsOfType(expected: string, found: Found): string {
  const { levels, given, isRequired } = found
  const orLeaveOut = isRequired ? '' : ', or leave it out'
  if (expected === 'object' || expected === 'record') {
    if (given === null) return `is empty: write settings below it, indented${orLeaveOut}`
    return Array.isArray(given)
      ? 'holds settings by their names, and this is a list: leave out the dashes or brackets'
      : 'holds settings by their names: write each below it, indented, as `setting: value`'
  }
  if (expected === 'array') {
    if (given === null) return `is empty: write its entries below it, each with \`- \`${orLeaveOut}`
    return typeof given === 'object'
      ? 'is a list: begin each entry with `- `'
      : 'is a list: put it in brackets, `[…]`, or begin each entry with `- `'
  }
  if (given === null) return empty(found)
  if (Array.isArray(given)) return 'is a single value, and this is a list: leave out the dash or brackets'
  if (typeof given === 'object' && !(given instanceof Uint8Array))
    return 'is a single value, and this holds settings: write the value on the line of the setting'
  if (expected === 'string')
    return given instanceof Uint8Array
      ? 'is text: leave out the tag (!!binary)'
      : `is text, and this is read as ${typeof given === 'boolean' ? 'true or false' : 'a number'}: put it in quotes`
  if (expected === 'boolean')
    return typeof given === 'string' && /^(true|false)$/i.test(given)
      ? 'use true or false, without quotes'
      : 'use true or false'
  return wordsOfNumber(levels)
}

const isLimit = (value: number | undefined) => value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER

/** `use a whole number from 1 to 65535`. */
function wordsOfNumber(levels: readonly Level[]): string {
  const level = levels.find(({ type }) => type === 'integer' || type === 'number')
  const what = level?.type === 'integer' ? 'a whole number' : 'a number'
  const { minimum: least, maximum: most, exclusiveMinimum: above } = level ?? {}
  const unit = level?.kind === 'percent' ? ' (in %, without the sign)' : ''
  if (isLimit(least) && isLimit(most)) return `use ${what} from ${least} to ${most}${unit}`
  const limits = [
    ...(isLimit(above) ? [` above ${above}`] : []),
    ...(isLimit(least) ? [`, ${least} at least`] : []),
    ...(isLimit(most) ? [`, ${most} at most`] : []),
  ]
  return `use ${what}${limits.join('')}${unit}`
}

function wordsOfSize(issue: Extract<Issue, { code: 'too_small' | 'too_big' }>, levels: readonly Level[]): string {
  const { origin } = issue
  if (origin === 'number' || origin === 'int' || origin === 'bigint') return wordsOfNumber(levels)
  const [limit, side] = issue.code === 'too_small' ? [issue.minimum, 'at least'] : [issue.maximum, 'at most']
  if (origin === 'array' || origin === 'set') {
    if (issue.code === 'too_small' && Number(limit) === 1) return 'is an empty list: name at least one'
    return `holds too ${side === 'at most' ? 'many' : 'few'} entries: ${String(limit)} ${side}`
  }
  if (issue.code === 'too_small' && Number(limit) === 1) return empty({ given: '', isRequired: true })
  return `is too ${side === 'at most' ? 'long' : 'short'}: ${String(limit)} characters ${side}`
}

/** Of choices that are single values those of the right type, with their own words: `use …, or …`. */
function wordsOfUnion(choices: readonly (readonly Issue[])[], found: Found): string {
  const all = choices.flatMap((issues) => issues.filter(({ path }) => path.length === 0).slice(0, 1))
  const fitting = all.filter(({ code }) => code !== 'invalid_type')
  const told = fitting.length > 0 ? fitting : all.slice(0, 1)
  const words = told.map((issue) => (issue.message === unworded ? wordsOfIssue(issue, found) : issue.message))
  const [first = 'is not a value that is allowed here', ...others] = [...new Set(words)]
  return [first, ...others.map((other) => other.replace(/^use /, ''))].join(', or ')
}
