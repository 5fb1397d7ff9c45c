import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../core/errors.ts'
import type { Ups } from '../../core/power/ports.ts'
import type { PowerState } from '../../core/power/state.ts'
import { has, type Observation, type UpsReading } from '../../core/power/ups.ts'

export interface UpsWatchOptions {
  /** Poll interval, in ms; read again after each answer. */
  readonly polls: () => { readonly pollInterval: number; readonly pollIntervalOnBattery: number }
  /** How long one answer may take, in ms. */
  readonly within?: number
  /** A status that has changed waits so long for the figures that belong to it, in ms. */
  readonly figuresWithin?: number
  /** What is known of this UPS. */
  readonly power: () => PowerState | undefined
  readonly notice: (seen: Observation) => void
  readonly signal: AbortSignal
}

/** Everything is read at every so many questions; the others ask for the status alone. */
const fullEach = 4
/** Everything is this old at most, in ms: drivers look at figures every two seconds at best. */
const oldestFigures = { onMains: 4_000, onBattery: 1_000 }
/** A question may take one part in so many of the time: a slow server is asked less often. */
const idleFor = { status: 4, everything: 10 }
/** And no less often than this, in ms. */
const slowest = { onMains: 10_000, onBattery: 2_000, everything: 60_000 }

/** Reads the UPS for as long as the agent lives. Silence is an observation too. */
export async function watchUps(ups: Pick<Ups, 'read' | 'readStatus'>, options: UpsWatchOptions): Promise<void> {
  const { polls, within = 3_000, figuresWithin = 250, power, notice, signal } = options
  const round = createRound(ups, { within, figuresWithin, notice, signal })
  const restAfter = createRest()
  while (!signal.aborted) {
    const isCalm = calm(power())
    const { pollInterval, pollIntervalOnBattery } = polls()
    const interval = isCalm ? pollInterval : pollIntervalOnBattery
    const oldest = isCalm ? oldestFigures.onMains : oldestFigures.onBattery
    const took = await round(Math.min(fullEach * interval, Math.max(interval, oldest)))
    if (signal.aborted) return
    // What was just seen may be the reason to ask more often.
    const next = calm(power()) ? polls().pollInterval : polls().pollIntervalOnBattery
    const limit = calm(power()) ? slowest.onMains : slowest.onBattery
    await sleep(Math.max(next, Math.min(took === undefined ? 0 : restAfter(took), limit)), undefined, { signal }).catch(
      () => {},
    )
  }
}

/**
 * How long a server rests after a question that took so long, in ms: one that answers slowly is asked less often. One slow answer
 * alone proves nothing, because this machine may have stood still, and the next answer may be the one that counts.
 */
export function createRest(): (took: number) => number {
  let before = 0
  return (took) => {
    const usual = Math.min(took, before)
    before = took
    return idleFor.status * usual
  }
}

/** One question and what follows from its answer; answers how long the server took for its status alone, in ms. */
function createRound(
  ups: Pick<Ups, 'read' | 'readStatus'>,
  options: Required<Pick<UpsWatchOptions, 'within' | 'figuresWithin' | 'notice' | 'signal'>>,
): (fullAfter: number) => Promise<number | undefined> {
  const { within, figuresWithin, notice, signal } = options
  const now = () => performance.now()
  /** When everything was asked for last, and how long that took. */
  let full: { readonly at: number; readonly took: number } | undefined
  let status: readonly string[] | undefined

  const limited = () => AbortSignal.any([signal, AbortSignal.timeout(within)])
  const tell = (seen: Observation) => {
    if (!signal.aborted) notice(seen)
  }

  async function readAll(): Promise<UpsReading> {
    const at = now()
    try {
      const reading = await ups.read(limited())
      status = reading.status
      return reading
    } finally {
      full = { at, took: now() - at }
    }
  }

  async function everything(): Promise<void> {
    try {
      tell({ kind: 'reading', reading: await readAll(), at: now() })
    } catch (error) {
      tell({ kind: 'silence', at: now(), why: messageOf(error) })
      status = undefined
    }
  }

  async function statusAlone(): Promise<number> {
    const asked = now()
    try {
      const seen = await ups.readStatus(limited())
      const heard = { kind: 'status', at: now(), status: seen } as const
      if (isSame(seen, status)) tell(heard)
      else await changed(heard)
      return heard.at - asked
    } catch (error) {
      tell({ kind: 'silence', at: now(), why: messageOf(error) })
      status = undefined
      // A server that does not answer is asked as often as any: the next answer may be the one that counts.
      return 0
    }
  }

  /** Its figures may say what it means: a self-test, for one. FSD means one thing only, and waits for nothing. */
  async function changed(heard: Observation & { readonly kind: 'status' }): Promise<void> {
    const isForced = has(heard, 'FSD')
    if (isForced) tell(heard)
    status = heard.status
    const reading = readAll().catch(() => undefined)
    const soon = isForced ? undefined : await inTime(reading, figuresWithin)
    if (!soon && !isForced) tell(heard)
    const late = soon ?? (await reading)
    if (late) tell({ kind: 'reading', reading: late, at: now() })
  }

  return async (fullAfter) => {
    const began = now()
    // After silence everything is asked for again, but not at once where it was what took so long.
    const rest = Math.min(idleFor.everything * (full?.took ?? 0), slowest.everything)
    const age = full === undefined ? Infinity : began - full.at
    // Timers are a moment early at times, and a question must not miss its turn for that.
    const isDue = age >= Math.max(0.9 * fullAfter, rest) || (status === undefined && age >= rest)
    if (!isDue) return statusAlone()
    await everything()
    return undefined
  }
}

function isSame(one: readonly string[], other: readonly string[] | undefined): boolean {
  return other !== undefined && one.length === other.length && one.every((token, index) => token === other[index])
}

/** Undefined where it takes longer. */
async function inTime<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const stop = new AbortController()
  const late = sleep(ms, undefined, { signal: stop.signal }).catch(() => undefined)
  return Promise.race([promise, late]).finally(() => stop.abort())
}

/** Certainly on mains. Everything else is polled more often. */
function calm(power: PowerState | undefined): boolean {
  return power?.mode === 'on-mains' && power.use === undefined
}
