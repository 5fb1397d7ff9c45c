import { about, type Check, failed, type Found } from '../../core/doctor/check.ts'
import { describeClosely } from '../../core/duration.ts'
import { messageOf } from '../../core/errors.ts'
import type { Cluster } from '../../core/cluster/cluster.ts'
import type { Machine } from '../../core/power/machines.ts'
import type { JobContext } from '../job.ts'

/** What the doctor may use. */
export type DoctorContext = Pick<
  JobContext,
  'config' | 'machines' | 'ports' | 'power' | 'now' | 'monotonic' | 'clock' | 'schematics' | 'observe' | 'wording'
>

/** One thing to look at, on its own: looks are made side by side, and one that hangs is cut off. */
export interface Look {
  /** The first words of the ids of what it finds. */
  readonly id: string
  readonly subject: string
  /** In ms, instead of the usual ten seconds. */
  readonly within?: number
  /**
   * `first`: it reads files, for which Node has four threads that the others keep busy. `last`: it goes by what the others
   * have heard.
   */
  readonly turn?: 'first' | 'last'
  look(signal: AbortSignal): Promise<readonly Found[]>
}

/** What all looks share. */
export interface Means {
  readonly context: DoctorContext
  /** What is seen of the cluster, looked at once. */
  cluster(): Promise<Cluster>
  readonly machines: readonly Machine[]
}

/** In ms: whoever works answers in a fraction of it. */
const usualWithin = 10_000

/** Makes a look. Never rejects: what fails or takes too long is a finding, by the name of the look. */
export async function carryOutLook(
  { id, subject, within = usualWithin, look }: Look,
  signal: AbortSignal,
  monotonic: () => number,
): Promise<readonly Check[]> {
  const begun = monotonic()
  const stop = new AbortController()
  const late = Promise.withResolvers<readonly Found[]>()
  const cutOff = () =>
    late.resolve([
      about(
        id,
        subject,
        failed(
          `did not end within ${describeClosely(within)}, and was cut off`,
          'Look at what it waits for, and ask again',
        ),
      ),
    ])
  // Whoever heeds the signal says better than we what it waited for, and has a moment to do so.
  const timer = setTimeout(() => {
    stop.abort()
    setTimeout(cutOff, 250)
  }, within)
  let found: readonly Found[]
  try {
    found = await Promise.race([look(AbortSignal.any([signal, stop.signal])), late.promise])
  } catch (error) {
    const why = stop.signal.aborted
      ? `did not end within ${describeClosely(within)}: ${messageOf(error)}`
      : messageOf(error)
    found = [about(id, subject, failed(why))]
  } finally {
    clearTimeout(timer)
  }
  const tookMs = Math.round(monotonic() - begun)
  return found.map((one) => ({ ...one, tookMs }))
}
