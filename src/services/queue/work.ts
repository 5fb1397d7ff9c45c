import { setTimeout as sleep } from 'node:timers/promises'
import type { StoreAddress } from './connection.ts'
import type { JobQueue } from './queue.ts'
import { type EmbeddedStore, openEmbeddedStore } from './store.ts'
import { startWorker } from './worker.ts'
import type { Agent } from '../../agent.ts'
import type { Alerts } from '../../core/alert.ts'
import { messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import type { Settings } from '../../main/settings.ts'

export interface WorkOptions {
  readonly agent: Agent
  readonly queue: JobQueue
  readonly address: StoreAddress
  readonly ownStore: Settings['ownStore']
  readonly alerts: Alerts
  readonly log: Logger
}

/** A store that does not open is tried again after this time, in ms. */
const openEvery = 15_000
/** A store that has lost its memory gets its schedules back after at most this time, in ms. */
const scheduleEvery = 10 * 60_000

/**
 * Everything that needs the queue's store: the store itself where it is ours, the worker, the schedules. A store that
 * does not open is an alert and is tried again, and never the end of the daemon: the power is guarded without it.
 */
export function startWork(options: WorkOptions): AsyncDisposable {
  const { agent, queue, address, ownStore, alerts, log } = options
  const stopping = new AbortController()
  let store: EmbeddedStore | undefined
  let worker: AsyncDisposable | undefined
  const pause = (ms: number) => sleep(ms, undefined, { signal: stopping.signal }).catch(() => {})

  async function open(): Promise<void> {
    if (!ownStore) return void alerts.settle('queue.store')
    while (!stopping.signal.aborted) {
      try {
        store = await openEmbeddedStore({ ...ownStore, log })
        alerts.settle('queue.store')
        return
      } catch (error) {
        log.error({ reason: messageOf(error) }, 'the queue store does not open; the power is guarded all the same')
        alerts.open('queue.store', {
          severity: 'warning',
          subject: 'queue',
          text: `${messageOf(error)}; releases, staging and upgrades wait, and the power is guarded`,
        })
        await pause(openEvery)
      }
    }
  }

  const opening = open()

  async function work(): Promise<void> {
    await opening
    if (stopping.signal.aborted) return
    worker = await startWorker({ name: 'caretaker', address, queue, jobs: agent.jobs, runJob: agent.runJob, log })
    void agent.emit({ type: 'agent.started' })
    while (!stopping.signal.aborted) {
      const set = await queue.schedule(agent.jobs).then(
        () => true,
        (error: unknown) => log.warn({ reason: messageOf(error) }, 'schedules not set'),
      )
      await pause(set === true ? scheduleEvery : openEvery)
    }
  }
  // Not waited for at the end: a store that is away would be asked for its schedules without end.
  void work().catch((error: unknown) => log.error({ err: error }, 'the worker did not start'))

  return {
    [Symbol.asyncDispose]: async () => {
      stopping.abort()
      // Runs let go of what they hold while the worker gives their jobs back; the store is the last to go.
      await Promise.all([agent.stop(), worker?.[Symbol.asyncDispose]()])
      await queue[Symbol.asyncDispose]()
      await opening
      await store?.[Symbol.asyncDispose]()
    },
  }
}
