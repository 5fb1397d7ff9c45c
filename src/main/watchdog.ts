import { describeDuration } from '../core/duration.ts'
import type { Logger } from '../core/log.ts'
import type { ServiceStatus } from '../core/service.ts'
import type { Supervisor } from './systemd.ts'

/** Between two signs of life at most, in ms; a supervisor with little patience gets five before it acts. */
const saysEvery = 2_000
const signsEach = 5
/**
 * A UPS of which nothing was noticed for so long, not even that it is silent, is read by nobody, in ms; where it is to be
 * asked more seldom, after so many of its turns.
 */
const unreadAfter = 60_000
const turnsUnread = 6

export interface WatchdogOptions {
  readonly supervisor: Supervisor | undefined
  readonly guard: {
    /** UPSes of which nothing was noticed for so long. */
    unnoticedFor(ms: number): readonly string[]
  }
  readonly services: () => readonly ServiceStatus[]
  /** The longest interval at which a UPS is read, in ms. */
  readonly pollInterval: () => number
  readonly log: Pick<Logger, 'error'>
}

export interface Watchdog extends Disposable {
  /** Says that the power is guarded. */
  ready(): void
}

/**
 * Tells the supervisor that we live for as long as the power is guarded: that our loop turns, because it is what says so,
 * and that every UPS is read. A process that stands still, or has lost a UPS, is restarted.
 */
export function tellOfLife(options: WatchdogOptions): Watchdog {
  const { supervisor, log } = options
  const { restartsAfter } = supervisor ?? {}
  let isSaid = false
  let isReady = false

  function look(): void {
    const why = whyUnguarded(options)
    // That we are ready is repeated: a message may be lost.
    if (why === undefined) supervisor?.tell(...(isReady ? ['READY=1'] : []), 'WATCHDOG=1')
    else if (!isSaid) log.error({ reason: why }, 'the power is not guarded: waiting to be restarted')
    isSaid = why !== undefined
  }

  const every = Math.min(saysEvery, (restartsAfter ?? 0) / signsEach)
  const timer = restartsAfter === undefined ? undefined : setInterval(look, every).unref()
  return {
    ready: () => {
      isReady = true
      supervisor?.tell('READY=1', 'STATUS=guards the power', 'WATCHDOG=1')
    },
    [Symbol.dispose]: () => {
      clearInterval(timer)
      supervisor?.tell('STOPPING=1', 'STATUS=is stopping')
    },
  }
}

/** Why the power is not guarded although its service runs; a service that is down is started again by ourselves. */
function whyUnguarded({ guard, services, pollInterval }: WatchdogOptions): string | undefined {
  if (services().find(({ name }) => name === 'ups-watch')?.state !== 'running') return undefined
  const limit = Math.max(unreadAfter, turnsUnread * pollInterval())
  const unread = guard.unnoticedFor(limit)
  return unread.length === 0 ? undefined : `nobody has read ${unread.join(', ')} for ${describeDuration(limit)}`
}
