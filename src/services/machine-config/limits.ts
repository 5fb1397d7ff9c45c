import { heldFor } from '../../core/provision/pace.ts'

/** What machines and strangers may take of the door. Times in ms. */
export interface DoorLimits {
  /** Connections at a time, in all and of one address. */
  readonly connections: number
  readonly perAddress: number
  /** New connections of one address: so many at once, and so many a second in the long run. */
  readonly burst: number
  readonly perSecond: number
  /** The same of all together: what a handshake costs is bounded, whoever asks from however many addresses. */
  readonly allBurst: number
  readonly allPerSecond: number
  /** Requests that are held at a time, in all and of one address. */
  readonly held: number
  readonly heldPerAddress: number
  /** How long a request is held: Talos hangs up 180 s after it began its try. */
  readonly hold: number
  /** The same where up to 90 s of them are gone: Talos has waited for a variable that has no value. */
  readonly holdLate: number
  /** How long a request may take to arrive, and a configuration to be taken. */
  readonly requestWithin: number
  readonly takenWithin: number
}

export const doorLimits: DoorLimits = {
  connections: 256,
  perAddress: 16,
  burst: 40,
  perSecond: 10,
  allBurst: 400,
  allPerSecond: 100,
  held: 64,
  heldPerAddress: 4,
  hold: heldFor,
  holdLate: 80_000,
  requestWithin: 10_000,
  takenWithin: 30_000,
}

/** In bytes: of a request's head, which carries no more than some variables, and of a form. */
export const longestHead = 8_192
export const longestForm = 4_096
