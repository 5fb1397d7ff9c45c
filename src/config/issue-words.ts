import type { z } from 'zod'
import { listed } from '../core/count.ts'
import { nearest } from './known-keys.ts'

type Issue = z.core.$ZodIssue

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a section with settings',
  record: 'a section with settings',
}

/** The validator's own words: a message of ours says what to write, and stays. */
const isItsOwn = ({ message }: Issue) => /^(Invalid |Too (small|big): |Unrecognized )/.test(message)

/**
 * What is wrong with a setting, to follow its name. What is written there is only compared, and never repeated: it may be a
 * secret.
 */
export function describeIssue(issue: Issue, written: unknown): string {
  if (!isItsOwn(issue)) return issue.message
  if (issue.code === 'invalid_type') return `must be ${kinds[issue.expected] ?? issue.expected}`
  if (issue.code === 'invalid_value') return describeChoice(issue.values.map(String), written)
  if (issue.code === 'invalid_union' && 'options' in issue && issue.options)
    return describeChoice(issue.options.map(String), written)
  if (issue.code === 'too_small') return describeLimit(issue.origin, 'at least', Number(issue.minimum))
  if (issue.code === 'too_big') return describeLimit(issue.origin, 'at most', Number(issue.maximum))
  if (issue.code === 'invalid_format' && issue.format === 'url') return 'must be a URL such as https://nas.lan/path'
  return issue.message
}

function describeChoice(choices: readonly string[], written: unknown): string {
  const near = typeof written === 'string' ? nearest(written, choices) : undefined
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  return choices.length === 1 ? `must be ${choices[0]}` : `must be one of ${listed(choices, 'or')}${hint}`
}

function describeLimit(origin: string, than: 'at least' | 'at most', limit: number): string {
  if (origin === 'array' || origin === 'map' || origin === 'set')
    return `must have ${than} ${limit} ${limit === 1 ? 'entry' : 'entries'}`
  if (origin !== 'string') return `must be ${than} ${limit}`
  return than === 'at least' && limit === 1
    ? 'must not be empty'
    : `must have ${than} ${limit} ${limit === 1 ? 'character' : 'characters'}`
}
