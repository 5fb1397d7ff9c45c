import { setTimeout as sleep } from 'node:timers/promises'
import type { Alerts } from '../core/alert.ts'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { Operator } from '../core/operator.ts'
import { serveControl } from '../http/control.ts'

/** Between two tries, in ms. */
const triesEvery = 5_000

export interface SocketOptions {
  readonly path: string
  readonly operator: Operator
  readonly log: Logger
  readonly alerts: Pick<Alerts, 'report'>
}

/**
 * Serves the control socket, and tries again where it can't be opened: on a disk that is read-only the power is guarded
 * although no command reaches the daemon. Never rejects.
 */
export async function keepServing({ path, operator, log, alerts }: SocketOptions): Promise<AsyncDisposable> {
  const stopping = new AbortController()
  let server: AsyncDisposable | undefined

  async function open(): Promise<boolean> {
    try {
      server = await serveControl(path, operator, { log })
      alerts.report('control.socket', undefined)
      return true
    } catch (error) {
      log.error({ reason: messageOf(error) }, 'commands do not reach the daemon; trying again')
      alerts.report('control.socket', {
        severity: 'critical',
        subject: 'caretaker',
        text: `commands do not reach the daemon: ${messageOf(error)}`,
        action: 'Check the disk and the permissions of the state directory',
      })
      return false
    }
  }

  async function keepTrying(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sleep(triesEvery, undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted || (await open())) return
    }
  }

  const trying = (await open()) ? Promise.resolve() : keepTrying()
  return {
    [Symbol.asyncDispose]: async () => {
      stopping.abort()
      await trying
      await server?.[Symbol.asyncDispose]()
    },
  }
}
