import { isTimeZone } from '../core/time.ts'
import { openYaml } from '../yaml.ts'
import { defaultState, lineOf } from './state-line.ts'

/** The settings that a client of the daemon needs. */
export interface ClientSettings {
  /** The state directory; undefined where the file does not say in a way that can be believed. */
  readonly state: string | undefined
  /** `upgrade.timeZone`; `UTC` if it is not set or not a time zone. */
  readonly timeZone: string
  /** Why the rest of the file can't be used, with its place: `line 3, column 1: …`. */
  readonly fault: string | undefined
}

/**
 * Reads only what a client of the daemon needs from a configuration: checking all of it takes longer than most requests.
 * Of a text that is not YAML it takes what a line of its own says. Never throws.
 */
export function readClientSettings(text: string): ClientSettings {
  const { document, faults } = openYaml(text)
  const [first] = faults
  if (first) {
    const fault = `line ${first.line}, column ${first.column}: ${first.words}`
    return { state: lineOf(text, /^state/), timeZone: zoneOf(lineOf(text, /^[ \t]+timeZone/)), fault }
  }
  let value: unknown
  try {
    value = document.toJS()
  } catch {
    return { state: lineOf(text, /^state/), timeZone: 'UTC', fault: 'it has an alias (*name) that leads nowhere' }
  }
  const { state = defaultState, upgrade } = Object(value) as { state?: unknown; upgrade?: unknown }
  const isPath = typeof state === 'string' && state !== ''
  const { timeZone } = Object(upgrade) as { timeZone?: unknown }
  return {
    state: isPath ? state : undefined,
    timeZone: zoneOf(timeZone),
    fault: isPath ? undefined : 'state is not a path',
  }
}

function zoneOf(timeZone: unknown): string {
  return typeof timeZone === 'string' && isTimeZone(timeZone) ? timeZone : 'UTC'
}
