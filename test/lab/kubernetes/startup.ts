import { refuse, type Refusal } from './status.ts'

/**
 * What an API server that has just started does wrong, each for so many ms from its start on: 0 leaves it out. What is not
 * said is a share of `lasts`.
 */
export interface StartUp {
  /** Until then its /readyz fails; 40 unless said. */
  readonly lasts?: number
  /** Everybody outside system:masters is forbidden everything: it has no roles yet. */
  readonly forbids?: number
  /** Paths of custom kinds are 503: "before all known HTTP paths have been installed". */
  readonly unavailable?: number
  /** Custom kinds are missing in discovery, and their paths are 404. */
  readonly hides?: number
  /** Lists are 429: "storage is (re)initializing". */
  readonly initializes?: number
}

export interface Starting {
  /** The server has (re)started. */
  begin(): void
  /** Resolves when it is over; at once where none has begun. */
  over(): Promise<void>
  /** How the next start goes. */
  plan(next: StartUp): void
  isReady(): boolean
  forbids(groups: readonly string[]): boolean
  hides(): boolean
  /** Throws what is answered to a request about a custom kind, or to a list of any. */
  refuse(about: { readonly isCustom: boolean; readonly isList: boolean }): void
}

export function createStarting(first: StartUp): Starting {
  let plan = first
  let begun = { at: -Infinity, ...lengths({ lasts: 0 }) }
  const within = (length: number) => performance.now() - begun.at < length

  return {
    begin: () => void (begun = { at: performance.now(), ...lengths(plan) }),
    async over() {
      while (within(begun.lasts)) await new Promise((resolve) => setTimeout(resolve, 5))
    },
    plan: (next) => void (plan = next),
    isReady: () => !within(begun.lasts),
    forbids: (groups) => !groups.includes('system:masters') && within(begun.forbids),
    hides: () => within(begun.hides),
    refuse({ isCustom, isList }) {
      if (isCustom && within(begun.unavailable)) throw unavailable()
      if (isList && within(begun.initializes)) throw initializing()
    },
  }
}

function lengths({ lasts = 40, ...own }: StartUp): Required<StartUp> {
  return { lasts, forbids: lasts * 0.4, unavailable: lasts * 0.5, hides: lasts * 0.8, initializes: lasts, ...own }
}

/** k8s.io/apiserver pkg/util/notfoundhandler/not_found_handler.go */
function unavailable(): Refusal {
  const message = 'the request has been made before all known HTTP paths have been installed, please try again'
  return refuse(503, message, { reason: 'ServiceUnavailable', details: { retryAfterSeconds: 5 } })
}

/** k8s.io/apiserver pkg/storage/errors.go ErrResourceExpired… NewTooManyRequests("storage is (re)initializing", 1) */
function initializing(): Refusal {
  return refuse(429, 'storage is (re)initializing', { reason: 'TooManyRequests', details: { retryAfterSeconds: 1 } })
}
