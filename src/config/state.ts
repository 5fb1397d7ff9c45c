import { parseDocument } from 'yaml'
import { isTimeZone } from '../core/time.ts'

/** Where the journal and the queue are kept unless another place is named. */
export const defaultState = '/var/lib/caretaker'

/** The settings that a client of the daemon needs. */
export interface ClientSettings {
  /** The state directory. */
  readonly state: string
  /** `upgrade.timeZone`; `UTC` if it is not set or not a time zone. */
  readonly timeZone: string
}

/**
 * Reads only what a client of the daemon needs from a configuration: checking all of it takes longer than most requests.
 * Undefined if the text is not YAML or `state` is not a path.
 */
export function readClientSettings(text: string): ClientSettings | undefined {
  const document = parseDocument(text, { prettyErrors: false })
  if (document.errors.length > 0) return undefined
  const { state = defaultState, upgrade } = (document.toJS() ?? {}) as { state?: unknown; upgrade?: unknown }
  if (typeof state !== 'string' || state === '') return undefined
  const { timeZone } = Object(upgrade) as { timeZone?: unknown }
  return { state, timeZone: typeof timeZone === 'string' && isTimeZone(timeZone) ? timeZone : 'UTC' }
}
