import { AgentError, messageOf } from '../core/errors.ts'
import { type Purpose, waitsForOthers } from '../core/lease.ts'
import type { Logger } from '../core/log.ts'
import type { Kubernetes, LeaseAnswer } from '../core/cluster/ports.ts'
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

/** The time, in ms. A machine that slept has a monotonic clock that slept too, and a wall clock that did not. */
export interface Clocks {
  monotonic(): number
  wall(): number
}

const ownClocks: Clocks = { monotonic: () => performance.now(), wall: () => Date.now() }

/** The Lease as one run holds it. */
interface Hold {
  readonly purpose: Purpose
  readonly lost: AbortController
  /** Renews it. Where another agent has it, `lost` aborts. */
  claim(): Promise<LeaseAnswer>
  /** When the last renewal that was answered was sent. */
  renewed: { readonly monotonic: number; readonly wall: number }
}

/**
 * The Lease object in Kubernetes, so that a second agent, or another tool that honours it, does not work at the same
 * time. Upgrades and rehearsals do without the cluster where they can't have it; what the power asks for takes it, and does
 * not wait.
 */
export function createKubernetesLease(
  kubernetes: Pick<Kubernetes, 'takeLease' | 'releaseLease'>,
  holder: string,
  log: Logger,
  clocks: Clocks = ownClocks,
) {
  /** The last holder: an upgrade that is taken over must not release the shutdown's Lease. */
  let current: Hold | undefined
  const readClocks = () => ({ monotonic: clocks.monotonic(), wall: clocks.wall() })

  async function take(purpose: Purpose, signal: AbortSignal): Promise<HeldLease | NotTaken> {
    const lost = new AbortController()
    const over = waitsForOthers(purpose) ? {} : { over: true as const }
    const claim = async () => {
      const asked = readClocks()
      const answer = await withDeadline(question, signal, (soon) =>
        kubernetes.takeLease({ holder, purpose, lasts, ...over }, soon),
      )
      if (answer.held) mine.renewed = asked
      else lost.abort(new Error(`${answer.by} has taken over the Lease`))
      return answer
    }
    const mine: Hold = { purpose, lost, claim, renewed: readClocks() }

    if (waitsForOthers(purpose)) {
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
      void claim().catch((error: unknown) => log.debug({ reason: messageOf(error) }, 'Lease not renewed'))
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

  /**
   * Makes sure, before an order of an upgrade, that the cluster is still ours: this process or its machine may have been
   * frozen since the last order, for long enough that another agent has taken the Lease. One that has merely expired is
   * renewed. What the power asks for waits for nobody.
   *
   * @throws why another agent has it; AgentError `not-now` where it has expired and nobody can tell
   */
  async function confirm(): Promise<void> {
    const mine = current
    if (mine?.purpose !== 'upgrade') return
    mine.lost.signal.throwIfAborted()
    try {
      await mine.claim()
    } catch (error) {
      const { monotonic, wall } = readClocks()
      const age = Math.max(monotonic - mine.renewed.monotonic, wall - mine.renewed.wall)
      // Until then nobody else can have it.
      if (age >= lasts)
        throw new AgentError('not-now', `the cluster's Lease may be another agent's by now: ${messageOf(error)}`, error)
      log.debug({ reason: messageOf(error) }, 'Lease not renewed')
    }
    mine.lost.signal.throwIfAborted()
  }

  return { take, confirm }
}

export type KubernetesLease = ReturnType<typeof createKubernetesLease>
