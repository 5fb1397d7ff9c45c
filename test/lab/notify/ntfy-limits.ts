import { NtfyRefusal } from './ntfy-refusals.ts'
import type { WireRequest } from './wire.ts'

export interface NtfyRules {
  /** Who may read and write everything; others may do what `anonymous` says. */
  readonly tokens?: readonly string[]
  readonly users?: Readonly<Record<string, string>>
  /** What may be done without signing in; default: everything. */
  readonly anonymous?: (topic: string) => 'read-write' | 'write-only' | 'deny'
  /** Requests of a visitor before one more is granted every 5 s; default 60. */
  readonly burst?: number
  /** Messages a day. */
  readonly daily?: number
}

/** Who may do what, and how often: all requests of a test come from one visitor. */
export interface NtfyLimits {
  /** Counts a request. */
  request(): void
  /** Counts a message. */
  message(): void
  allow(request: WireRequest, topic: string, what: 'read' | 'write'): void
}

/** Failed sign-ins before one more is looked at (server/config.go). */
const authBurst = 30

export function createNtfyLimits(options: NtfyRules, now: () => Date): NtfyLimits {
  const { burst = 60, daily, tokens = [], users = {}, anonymous = () => 'read-write' } = options
  const requests = createBucket(burst, 5_000, now)
  const failures = createBucket(authBurst, 60_000, now)
  let left = daily ?? Infinity
  const known = [
    ...tokens.map((token) => `Bearer ${token}`),
    ...Object.entries(users).map(([user, password]) => `Basic ${btoa(`${user}:${password}`)}`),
  ]
  return {
    request: () => {
      if (!requests.take()) throw new NtfyRefusal(42901)
    },
    message: () => {
      if (left <= 0) throw new NtfyRefusal(42908)
      left -= 1
    },
    allow: ({ headers: { authorization } }, topic, what) => {
      if (authorization !== undefined) {
        if (failures.left() < 1) throw new NtfyRefusal(42909)
        if (known.includes(authorization)) return
        failures.take()
        throw new NtfyRefusal(40101)
      }
      const may = anonymous(topic)
      if (may === 'deny' || (may === 'write-only' && what === 'read')) throw new NtfyRefusal(40301)
    },
  }
}

function createBucket(size: number, refillMs: number, now: () => Date) {
  let full = size
  let at = now().getTime()
  const left = () => {
    const time = now().getTime()
    full = Math.min(size, full + (time - at) / refillMs)
    at = time
    return full
  }
  return {
    left,
    take: () => {
      if (left() < 1) return false
      full -= 1
      return true
    },
  }
}
