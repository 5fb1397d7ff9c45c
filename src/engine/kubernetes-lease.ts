import { messageOf } from '../core/errors.ts'
import type { Purpose } from '../core/lease.ts'
import type { Logger } from '../core/log.ts'
import type { Kubernetes } from '../core/cluster/ports.ts'
import { question } from './observe.ts'
import { withDeadline } from './until.ts'

/** How long the Lease object is good without being renewed, in ms. */
const lasts = 60_000
/** How long releasing the Lease may take, in ms: a shutdown must not wait for an API that is going away. */
const releasedWithin = 2_000

export interface HeldLease {
  /** Aborts when another agent holds the cluster. */
  readonly lost: AbortSignal
  /** Stops renewing; `keep` leaves the Lease with us, for a next run that follows at once. */
  release(options: { readonly keep: boolean }): Promise<void>
}

export interface NotTaken {
  readonly why: string
  /** Whether another agent holds it; otherwise the API could not be asked. */
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
  /** The last holder: an upgrade that is taken over must not release the shutdown's Lease. */
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
          // Without the time left: the reason would change with each look.
          why: `${answer.by} holds the Lease (${answer.purpose})`,
          held: true,
        }
      }
    } else {
      void claim().catch((error: unknown) => log.debug({ reason: messageOf(error) }, 'Lease not taken'))
    }
    current = mine
    const renewing = setInterval(() => {
      // While the API is down no one else can take the Lease either.
      void claim().then(
        (answer) => {
          if (!answer.held) lost.abort(new Error(`${answer.by} has taken over the Lease`))
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
          .catch((error: unknown) => log.debug({ reason: messageOf(error) }, 'Lease not released'))
      },
    }
  }

  return { take }
}

export type KubernetesLease = ReturnType<typeof createKubernetesLease>
