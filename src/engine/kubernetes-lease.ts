import { messageOf } from '../core/errors.ts'
import type { Purpose } from '../core/lease.ts'
import type { Logger } from '../core/log.ts'
import type { Kubernetes } from '../core/cluster/ports.ts'
import { question } from './observe.ts'
import { withDeadline } from './until.ts'

/** How long the Lease object is good without being renewed, in ms. */
const lasts = 60_000
/** What is given back costs no more than this, in ms: a shutdown must not wait for an API that is going away. */
const releasedWithin = 2_000

export interface HeldLease {
  /** Aborts when another agent holds the cluster. */
  readonly lost: AbortSignal
  /** Stops renewing; `keep` leaves the Lease with us, for a next run that follows at once. */
  release(options: { readonly keep: boolean }): Promise<void>
}

export interface NotTaken {
  readonly why: string
  /** By somebody else; else nobody could be asked. */
  readonly held: boolean
}

/**
 * The Lease object in Kubernetes, so that a second agent, or another tool that honours it, does not work at the same
 * time. An upgrade does without the cluster where it can't have it; what the power asks for takes it, and does not wait.
 */
export function createKubernetesLease(
  kubernetes: Pick<Kubernetes, 'takeLease' | 'releaseLease'>,
  holder: string,
  log: Logger,
) {
  /** Who took it last: an upgrade that is taken over must not give back what a shutdown has by now. */
  let current: symbol | undefined

  async function take(purpose: Purpose, signal: AbortSignal): Promise<HeldLease | NotTaken> {
    const mine = Symbol(purpose)
    const lost = new AbortController()
    const over = purpose === 'upgrade' ? {} : { over: true as const }
    const claim = () =>
      withDeadline(question, signal, (soon) => kubernetes.takeLease({ holder, purpose, lasts, ...over }, soon))

    if (purpose === 'upgrade') {
      const answer = await claim().catch((error: unknown) => messageOf(error))
      signal.throwIfAborted()
      if (typeof answer === 'string') return { why: `the cluster's Lease can't be taken: ${answer}`, held: false }
      if (!answer.held) {
        return {
          // Without the time that is left, which would make it another reason each time.
          why: `${answer.by} works on the cluster (${answer.purpose}), and holds its Lease`,
          held: true,
        }
      }
    } else {
      void claim().catch((error: unknown) => log.debug({ reason: messageOf(error) }, 'Lease not taken'))
    }
    current = mine
    const renewing = setInterval(() => {
      // An API that is away can't give it to anybody else either.
      void claim().then(
        (answer) => {
          if (!answer.held) lost.abort(new Error(`${answer.by} has taken the cluster over`))
        },
        (error: unknown) => log.debug({ reason: messageOf(error) }, 'Lease not renewed'),
      )
    }, lasts / 3)
    renewing.unref()

    return {
      lost: lost.signal,
      release: async ({ keep }) => {
        clearInterval(renewing)
        if (keep || current !== mine) return
        current = undefined
        const limit = AbortSignal.timeout(releasedWithin)
        await kubernetes
          .releaseLease(holder, limit)
          .catch((error: unknown) => log.debug({ reason: messageOf(error) }, 'Lease not given back'))
      },
    }
  }

  return { take }
}

export type KubernetesLease = ReturnType<typeof createKubernetesLease>
