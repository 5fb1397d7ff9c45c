import { parseDocument } from 'yaml'

/** Where the journal and the queue are kept unless another place is named. */
export const defaultState = '/var/lib/caretaker'

/**
 * The state directory that a configuration names, and nothing else of it: whoever asks a daemon needs only its socket, and
 * reading the whole takes longer than the question. Undefined where the text can't be read so far.
 */
export function readState(text: string): string | undefined {
  const document = parseDocument(text, { prettyErrors: false })
  if (document.errors.length > 0) return undefined
  const { state = defaultState } = (document.toJS() ?? {}) as { state?: unknown }
  return typeof state === 'string' && state !== '' ? state : undefined
}
