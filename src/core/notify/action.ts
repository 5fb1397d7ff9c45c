import type { RecordKind } from '../records.ts'
import { object, oneOf, text, time } from '../shape.ts'

/**
 * What a button does. Its subject is what it was offered for, so that an old button does nothing to what came later.
 *
 * | do        | does                                                         | subject                              |
 * |-----------|--------------------------------------------------------------|--------------------------------------|
 * | cancel    | cancels the shutdown, or the one that is to come             | when mains power failed, ISO 8601    |
 * | wake      | wakes everything without waiting for the battery             | likewise                             |
 * | approve   | approves a release                                           | the release                          |
 * | pause     | pauses rollouts                                              | the release that is being rolled out |
 * | admit     | lets a machine have its configuration, as a worker           | the code that its console shows      |
 * | turn-away | rejects a machine that asks for its configuration            | likewise                             |
 */
export interface Action {
  readonly do: ActionName
  readonly subject: string
}

export type ActionName = 'cancel' | 'wake' | 'approve' | 'pause' | 'admit' | 'turn-away'

export const parseAction = object<Action>({
  do: oneOf<ActionName>({ cancel: true, wake: true, approve: true, pause: true, admit: true, 'turn-away': true }),
  subject: text,
})

/** The parts of a button's token. */
export interface ActionTicket {
  readonly action: Action
  /** In ms since the epoch, in whole seconds. */
  readonly expiresAt: number
  /** Six characters of `[-_A-Za-z0-9]`: makes it one of its own. */
  readonly nonce: string
}

const letters: Readonly<Record<ActionName, string>> = {
  cancel: 'c',
  wake: 'w',
  approve: 'a',
  pause: 'p',
  admit: 'm',
  'turn-away': 't',
}
const timed: readonly ActionName[] = ['cancel', 'wake']
const shape = /^([cwapmt])([0-9a-z]{6})([-_A-Za-z0-9]{6})([-_A-Za-z0-9]{22})([-_.A-Za-z0-9]{1,29})$/

/**
 * What is signed of a ticket: `cTTTTTTnnnnnnSUBJECT`. With the 22 characters of a signature it is a token of 64 characters
 * at most, because that is what a button of Telegram carries (Bot API, InlineKeyboardButton, `callback_data`).
 */
export function writeTicket({ action, expiresAt, nonce }: ActionTicket): {
  readonly head: string
  readonly subject: string
} {
  const subject = timed.includes(action.do) ? Date.parse(action.subject).toString(36) : action.subject
  const seconds = Math.floor(expiresAt / 1_000)
    .toString(36)
    .padStart(6, '0')
  return { head: `${letters[action.do]}${seconds}${nonce}`, subject }
}

/** The ticket of a token, and its signature, which is still to be checked; undefined where it is none. */
export function readTicket(token: string): { readonly ticket: ActionTicket; readonly signature: string } | undefined {
  const [, letter, seconds, nonce, signature, text] = shape.exec(token) ?? []
  const name = (Object.keys(letters) as ActionName[]).find((one) => letters[one] === letter)
  if (!name || !seconds || !nonce || !signature || !text) return undefined
  const time = timed.includes(name) ? Number.parseInt(text, 36) : 0
  // Dates end there (ECMA-262, 21.4.1.1).
  if (!(Math.abs(time) <= 8.64e15)) return undefined
  const subject = timed.includes(name) ? new Date(time).toISOString() : text
  return {
    ticket: { action: { do: name, subject }, expiresAt: Number.parseInt(seconds, 36) * 1_000, nonce },
    signature,
  }
}

/** A button that was pressed: its token does nothing again. */
export interface UsedAction {
  readonly nonce: string
  /** ISO 8601: until when it has to be known. */
  readonly expiresAt: string
}

export const usedActionKind: RecordKind<UsedAction> = {
  name: 'used-action',
  parse: object<UsedAction>({ nonce: text, expiresAt: time }),
  keyOf: ({ expiresAt, nonce }) => `${expiresAt} ${nonce}`,
  isOpen: () => false,
  retention: { most: 1_000 },
}
