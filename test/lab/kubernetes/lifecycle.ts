import type { Identity } from '../authority.ts'
import type { Cluster } from './cluster.ts'
import { listen, type Listener, type ListenOptions } from './server.ts'
import type { Starting } from './startup.ts'
import { refuse } from './status.ts'

/**
 * 'no-quorum': etcd has lost its majority, so requests hang and then fail; 'down': nothing listens and open connections
 * are cut.
 */
export type Availability = 'serving' | 'no-quorum' | 'down'

/** Whether the API server runs, and what it hears of its etcd. */
export interface Lifecycle {
  readonly availability: Availability
  /** The port that it listens on, or is to listen on. */
  readonly port: number
  /** Listens from now on, unless it is down. */
  start(identity: Identity): Promise<void>
  /** Takes effect in order, without being waited for. */
  set(state: Availability): void
  /** Resolves when the socket is in line with the availability. */
  align(): Promise<void>
  /** Waits for etcd's majority as long as the API server does, then fails as it does (etcd client v3 rpctypes). */
  quorum(): Promise<void>
  /** Who waits for the majority is let go, and the socket closed. */
  end(): Promise<void>
}

interface LifecycleParts extends Omit<ListenOptions, 'identity'> {
  readonly cluster: Cluster
  readonly starting: Starting
}

export function createLifecycle({ cluster, starting, ...listening }: LifecycleParts): Lifecycle {
  const { world } = cluster
  const waiting = new Set<() => void>()
  /** The process is a new one, and has not served yet. */
  let isFresh = true
  let availability: Availability = 'serving'
  let identity: Identity | undefined
  let listener: Listener | undefined
  let turn = Promise.resolve()
  let waited = 0

  /** Brings the socket in line with the availability; one after the other, because closing takes a moment. */
  function align(): Promise<void> {
    // Whoever asked for the turn before has been told of its error.
    const before = turn.catch(() => {})
    turn = before.then(async () => {
      const wanted = availability === 'down' ? undefined : identity
      if (wanted !== undefined && listener === undefined) listener = await listen({ ...listening, identity: wanted })
      else if (wanted === undefined && listener !== undefined) {
        const old = listener
        listener = undefined
        await old.close()
      }
      beginIfServing()
    })
    return turn
  }

  /** A new process that has its etcd begins to serve, and is not ready for a while. */
  function beginIfServing(): void {
    if (!isFresh || availability !== 'serving' || listener === undefined) return
    isFresh = false
    starting.begin()
  }

  async function quorum(): Promise<void> {
    if (world.isWritable()) return
    waited += 1
    const name = `etcd ${waited}`
    await new Promise<void>((resolve) => {
      waiting.add(resolve)
      world.timers.once(name, world.pace.etcdTimeout, () => {
        waiting.delete(resolve)
        resolve()
      })
    })
    world.timers.cancel(name)
    if (!world.isWritable()) throw refuse(500, 'etcdserver: request timed out')
  }

  return {
    get availability() {
      return availability
    },
    get port() {
      return listener?.port ?? listening.port
    },
    start(own) {
      identity = own
      return align()
    },
    set(state) {
      if (state === availability) return
      availability = state
      if (state === 'down') isFresh = true
      cluster.setWritable(state === 'serving')
      for (const resolve of state === 'serving' ? waiting : []) resolve()
      if (state === 'serving') waiting.clear()
      // A port that somebody else took meanwhile is the lab's mistake: it ends the run, as an unhandled rejection.
      void align()
    },
    align,
    quorum,
    async end() {
      availability = 'down'
      for (const resolve of waiting) resolve()
      await align()
    },
  }
}
