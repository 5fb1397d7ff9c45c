import type { z } from 'zod'
import type { Logger } from '../../core/log.ts'
import type { Message } from '../../core/notify/message.ts'
import type { Files } from '../../operations/service.ts'
import type { Trust } from './trust.ts'

/**
 * A way to a person: one folder of `channels/` each, named as its `type` in the configuration. `config.ts` says what it is
 * set up with and is loaded by every command; `channel.ts` does the work, and is loaded when a channel of it is configured.
 */
export interface ChannelKind<Config> {
  readonly type: string
  readonly config: z.ZodType<Config>
}

/** What `channel.ts` exports as `open`. @throws AgentError `misconfigured` where a secret can't be read */
export type OpenChannel<Config> = (config: Config, means: ChannelMeans) => Promise<Channel>

/**
 * A channel that is open. Calls make one attempt, within the limits of `outgoing.ts` and their signal; what was sent and
 * whose answer got lost is sent again under the same id.
 *
 * They reject with an AgentError: `unreachable`, `timed-out` and `not-now` are tried again (`RetryAfter` says when),
 * `rejected`, `misconfigured`, `malformed` and `not-found` are not. No secret of the channel stands in its message.
 */
export interface Channel {
  send(message: OutgoingMessage, signal: AbortSignal): Promise<Sent>
  /** Replaces what was sent. Absent where the channel can't: then an update is left out, and the end of it is sent anew. */
  update?(ref: string, message: OutgoingMessage, signal: AbortSignal): Promise<Sent>
  /** Listens for buttons that are pressed. Ends only with its signal, and tries again whatever fails. */
  listen?(press: (press: Press) => Promise<PressAnswer>, signal: AbortSignal): Promise<void>
  /** Done beside all messages until the signal aborts, as a heartbeat. Tries again whatever fails. */
  run?(signal: AbortSignal): Promise<void>
}

export interface ChannelMeans {
  /** The channel's name in the configuration. */
  readonly name: string
  readonly files: Files
  readonly log: Logger
  /** Whose certificates its server is believed by. */
  readonly trust?: Trust
  /** How things are, for a heartbeat: the worst that is open. */
  worst(): { readonly critical: boolean; readonly text: string } | undefined
  /** Why pressed buttons are not heard, for an alert; nothing once they are. */
  buttonsFail?(why: string | undefined): void
  now(): Date
  /** Waits for so many ms, or until the signal aborts, whichever comes first. */
  pause(ms: number, signal: AbortSignal): Promise<void>
}

export interface Sent {
  /** By which it can be replaced, and which is kept; absent where there is none. */
  readonly ref?: string
}

/** A message with what its buttons need on this channel. */
export interface OutgoingMessage extends Omit<Message, 'buttons'> {
  /** The homelab's name. */
  readonly homelab: string
  /** A page that shows more; absent where there is none. */
  readonly link?: string
  readonly buttons: readonly OutgoingButton[]
}

export interface OutgoingButton {
  readonly label: string
  /** Does it, for whoever presses: 64 characters of `[-_.A-Za-z0-9]` at most. Worth as much as a password, once. */
  readonly token: string
  /** The page that shows what it would do, and where a POST does it; absent where no `api.url` is set. */
  readonly url?: string
}

/** Whether a text may be the token of a button: what comes from outside is looked at no closer unless it is. */
export function isToken(text: string): boolean {
  return /^[-_.A-Za-z0-9]{1,64}$/.test(text)
}

/** A button that somebody pressed. */
export interface Press {
  readonly token: string
  /** Who, as the channel knows them: `@alice`. Undefined where it does not. */
  readonly who: string | undefined
}

export interface PressAnswer {
  readonly done: boolean
  /** What happened, as a sentence, for whoever pressed. */
  readonly said: string
}
