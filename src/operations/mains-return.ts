import { setTimeout as sleep } from 'node:timers/promises'
import { isReturning } from '../core/power/feeds.ts'
import type { Machine } from '../core/power/machines.ts'
import type { JobContext } from './job.ts'

/**
 * Waits while mains power seems to be back for one of these machines, and has not lasted yet: nothing more is begun that
 * would turn out to be needless. Ends as soon as it has lasted, or has failed again, or the UPS is silent; at the latest when
 * each of these must have happened. Returns whether it had to wait.
 */
export async function awaitMainsReturn(
  { config, power, whenPower, signal }: JobContext,
  machines: readonly Machine[],
): Promise<boolean> {
  const isWaiting = () => machines.some(({ feed }) => isReturning(feed, power))
  if (!isWaiting()) return false
  using watch = whenPower(() => (isWaiting() ? undefined : 'mains power has lasted, or has failed again'))
  const within = config.power.onMainsAfter + config.power.deadTime
  await sleep(within, undefined, { signal: AbortSignal.any([watch.signal, signal]) }).catch(() => {})
  return true
}
