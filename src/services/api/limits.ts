import { type Limits, socketLimits } from '../../http/limits.ts'
import type { Rate } from './rates.ts'

export interface ApiLimits extends Limits {
  /** How many connections one address may have open at once; programs on this machine and trusted proxies more. */
  readonly perAddress: number
  /** Requests of one address. */
  readonly requests: Rate
  /** Wrong tokens of one address. */
  readonly signIns: Rate
  /** How often it is asked whether who gets an answer may still have it, in ms. */
  readonly looksAgainEvery: number
  /** After so many ms a browser has to ask again for what it follows, which keeps it signed in. */
  readonly longestFollowing: number
}

/** Counted apart from the control socket's: whatever comes by the network, a shutdown can be cancelled there. */
export const apiLimits: ApiLimits = {
  ...socketLimits,
  connections: 512,
  perAddress: 64,
  requests: { burst: 100, perSecond: 20 },
  signIns: { burst: 10, perSecond: 10 / 60 },
  looksAgainEvery: 2_000,
  longestFollowing: 2 * 3_600_000,
}
