import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { NutConnection } from './connection.ts'
import { isRefusal, notKnown, NutRefusal } from './refusal.ts'
import type { Session } from './session.ts'

/** The poll interval of a tracked command, in ms: the first, and the longest. */
const askFirst = 20
const askLast = 500

/**
 * Sends commands that change a UPS (`SET VAR …`, `INSTCMD …`), and waits until its driver confirms them (NUT 2.8.0 and
 * later, docs/net-protocol.txt "TRACKING"). An older server confirms only that it has passed the command to the driver.
 */
export function createOrders({ use, identify }: Session, at: string) {
  /** Whether answers on this connection carry an id. */
  const trackings = new WeakMap<NutConnection, Promise<boolean>>()

  function track(nut: NutConnection): Promise<boolean> {
    const tracking =
      trackings.get(nut) ??
      nut.ask('SET TRACKING ON').then(
        () => true,
        (error: unknown) => {
          if (isRefusal(error, ...notKnown)) return false
          throw error
        },
      )
    trackings.set(nut, tracking)
    return tracking
  }

  async function identified(nut: NutConnection): Promise<void> {
    await identify(nut)
    await track(nut)
  }

  /** The words after OK. */
  async function askOk(nut: NutConnection, line: string, doing: string): Promise<readonly string[]> {
    const [word, ...rest] = await nut.ask(line, doing)
    if (word?.toUpperCase() === 'OK') return rest
    throw new AgentError('malformed', `upsd at ${at} answers ${doing} with: ${[word, ...rest].join(' ').slice(0, 80)}`)
  }

  /** `doing` stands for the line in errors. */
  async function give(line: string, doing: string, signal: AbortSignal): Promise<void> {
    const [word, id] = await use(signal, async (nut) => {
      await identified(nut)
      return askOk(nut, line, doing)
    })
    if (word === 'TRACKING' && id !== undefined) await done(id, doing, signal)
  }

  async function done(id: string, doing: string, signal: AbortSignal): Promise<void> {
    let lately = 'its driver has not confirmed it'
    for (let wait = askFirst; !signal.aborted; wait = Math.min(wait * 2, askLast)) {
      try {
        const [state] = await use(signal, async (nut) => {
          await identified(nut)
          return nut.ask(`GET TRACKING ${id}`, doing)
        })
        if (state === 'SUCCESS') return
        if (state !== 'PENDING')
          throw new AgentError(
            'malformed',
            `upsd at ${at} reports an unknown state of ${doing}: ${(state ?? '').slice(0, 80)}`,
          )
      } catch (error) {
        // The driver has the command: only its confirmation is outstanding, perhaps over another connection.
        if (error instanceof NutRefusal || !(error instanceof AgentError && error.retryable)) throw error
        if (!signal.aborted) lately = messageOf(error)
      }
      await sleep(wait, undefined, { signal }).catch(() => {})
    }
    throw new AgentError(
      'timed-out',
      `upsd at ${at} accepted ${doing}, but ${lately}; check the UPS before you repeat it`,
    )
  }

  return { give, askOk }
}
