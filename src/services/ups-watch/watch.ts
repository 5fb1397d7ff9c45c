import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../core/errors.ts'
import type { Ups } from '../../core/power/ports.ts'
import type { PowerState } from '../../core/power/state.ts'
import type { Observation } from '../../core/power/ups.ts'

export interface UpsWatchOptions {
  /** Poll interval, in ms; read again after each reading. */
  readonly polls: () => { readonly pollInterval: number; readonly pollIntervalOnBattery: number }
  /** How long one reading may take, in ms. */
  readonly within?: number
  /** What is known of this UPS. */
  readonly power: () => PowerState | undefined
  readonly notice: (seen: Observation) => void
  readonly signal: AbortSignal
}

/** Reads the UPS for as long as the agent lives. Silence is an observation too. */
export async function watchUps(ups: Pick<Ups, 'read'>, options: UpsWatchOptions): Promise<void> {
  const { polls, within = 3_000, power, notice, signal } = options
  while (!signal.aborted) {
    const seen = await ups.read(AbortSignal.any([signal, AbortSignal.timeout(within)])).then(
      (reading): Observation => ({ kind: 'reading', at: performance.now(), reading }),
      (error: unknown): Observation => ({ kind: 'silence', at: performance.now(), why: messageOf(error) }),
    )
    if (signal.aborted) return
    notice(seen)
    const { pollInterval, pollIntervalOnBattery } = polls()
    await sleep(calm(power()) ? pollInterval : pollIntervalOnBattery, undefined, { signal }).catch(() => {})
  }
}

/** Certainly on mains. Everything else is polled more often. */
function calm(power: PowerState | undefined): boolean {
  return power?.mode === 'on-mains' && power.use === undefined
}
