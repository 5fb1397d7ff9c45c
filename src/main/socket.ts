import { setTimeout as sleep } from 'node:timers/promises'
import type { Alerts } from '../core/alert.ts'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { Operator } from '../core/operator.ts'
import { serveControl } from '../http/control.ts'
import { clearRuntimePlaces, makeRuntimePlace } from './runtime-socket.ts'

/** Between two tries, in ms. */
const triesEvery = 5_000

export interface SocketOptions {
  readonly path: string
  /** The state directory, by which the place is named where that one takes no socket. */
  readonly state: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly operator: Operator
  readonly log: Logger
  readonly alerts: Pick<Alerts, 'report'>
}

/**
 * Serves the control socket: in the state directory, or where that is read-only in a runtime directory, where commands
 * look for it as well. Where there is neither it tries again: the power is guarded meanwhile. Never rejects.
 */
export async function keepServing(options: SocketOptions): Promise<AsyncDisposable> {
  const { path, state, environment, operator, log, alerts } = options
  const stopping = new AbortController()
  let server: AsyncDisposable | undefined

  async function open(): Promise<boolean> {
    try {
      server = await serveControl(path, operator, { log })
      alerts.report('control.socket', undefined)
      await clearRuntimePlaces(state, environment)
      return true
    } catch (error) {
      if (await serveElsewhere(messageOf(error))) return true
      const reason = messageOf(error)
      const isNew = alerts.report('control.socket', {
        severity: 'critical',
        subject: 'caretaker',
        text: `commands do not reach the daemon: ${reason}`,
        action: 'Check the disk and the permissions of the state directory',
      })
      if (isNew) log.error({ reason }, 'commands do not reach the daemon; trying again')
      return false
    }
  }

  async function serveElsewhere(why: string): Promise<boolean> {
    const place = await makeRuntimePlace(state, environment)
    server = place === undefined ? undefined : await serveControl(place, operator, { log }).catch(() => undefined)
    if (server === undefined) return false
    log.warn({ reason: why, path: place }, 'the control socket is not in the state directory')
    alerts.report('control.socket', {
      severity: 'warning',
      subject: 'caretaker',
      text: `commands reach the daemon at ${place}, because the state directory takes no socket: ${why}`,
      action: 'Check the disk and the permissions of the state directory, then restart Caretaker',
    })
    return true
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
