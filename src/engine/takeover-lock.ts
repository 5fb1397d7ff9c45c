import { setTimeout as sleep } from 'node:timers/promises'
import { canTakeOver, type Purpose } from '../core/lease.ts'

export interface Lease extends Disposable {
  /** Aborts when someone more important takes the cluster over. */
  readonly signal: AbortSignal
}

/**
 * The right to change the cluster: one holder at a time. A holder that is taken over is asked to stop and has `grace`
 * ms to do so: a shutdown waits for no one longer than that.
 */
export function createTakeoverLock(grace: number) {
  interface Holding {
    readonly purpose: Purpose
    readonly abort: AbortController
    readonly released: PromiseWithResolvers<void>
  }
  let current: Holding | undefined
  /** The next holder, which waits for the present one to stop: no other can come in between. */
  let taking: Purpose | undefined

  function grant(purpose: Purpose): Lease {
    const mine: Holding = { purpose, abort: new AbortController(), released: Promise.withResolvers<void>() }
    current = mine
    return {
      signal: mine.abort.signal,
      [Symbol.dispose]: () => {
        if (current === mine) current = undefined
        mine.released.resolve()
      },
    }
  }

  async function acquire(purpose: Purpose): Promise<Lease | undefined> {
    if (taking !== undefined && !canTakeOver(purpose, taking)) return undefined
    const held = current
    if (!held) return grant(purpose)
    if (!canTakeOver(purpose, held.purpose)) return undefined
    held.abort.abort(new Error(`taken over by ${purpose}`))
    taking = purpose
    const limit = new AbortController()
    await Promise.race([held.released.promise, sleep(grace, undefined, { signal: limit.signal }).catch(() => {})])
    limit.abort()
    taking = undefined
    return grant(purpose)
  }

  return {
    get holder(): Purpose | undefined {
      return current?.purpose ?? taking
    },
    /** Resolves to undefined when someone else holds it and can't be taken over. */
    acquire,
  }
}

export type TakeoverLock = ReturnType<typeof createTakeoverLock>
