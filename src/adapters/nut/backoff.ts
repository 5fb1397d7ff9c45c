import { AgentError } from '../../core/errors.ts'

/** The wait after a first failure, in ms. It doubles with each further one. */
const first = 250

export interface Backoff {
  /**
   * Whether another attempt may be made.
   *
   * @throws AgentError the last failure, with when the next attempt is made
   */
  check(): void
  failed(why: AgentError): void
  succeeded(): void
}

/** Exponential backoff up to `upTo` ms, with jitter, so that several clients do not reconnect at the same time. */
export function createBackoff(
  upTo: number,
  now: () => number = () => performance.now(),
  chance = Math.random,
): Backoff {
  let failures = 0
  let last: { readonly why: AgentError; readonly until: number } | undefined

  return {
    check() {
      if (!last) return
      const left = Math.ceil(last.until - now())
      if (left <= 0) return
      const { why } = last
      throw new AgentError(why.code, `${why.message} (next attempt in ${left} ms)`, why)
    },
    failed(why) {
      const whole = Math.min(upTo, first * 2 ** Math.min(failures, 20))
      failures += 1
      last = { why, until: now() + whole * (0.5 + chance() / 2) }
    },
    succeeded() {
      failures = 0
      last = undefined
    },
  }
}
