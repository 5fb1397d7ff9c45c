import { counted } from '../src/core/count.ts'
import { defineJob, type JobContext } from '../src/operations/job.ts'
import { after, done, later, on, type Outcome } from '../src/core/job.ts'
import { describeDuration } from '../src/core/duration.ts'
import { supplyOf } from '../src/core/power/feeds.ts'
import { isRefused, reportRefused } from '../src/operations/outage-alerts.ts'
import { openRecord } from '../src/operations/outage-record.ts'
import { beginOutage } from '../src/core/power/outage.ts'
import { bestEffort, phase, type Step, type StepState } from '../src/core/plan.ts'
import { findSheddable, type Sheddable } from '../src/operations/shed.ts'
import { apiWithin } from '../src/core/power/shutdown.ts'

/** In ms. Between two looks at the power. */
const looksAgain = 5_000
/** In ms. Between two looks at what the API server refuses: somebody edits the configuration, or gives us the right. */
const asksAgain = 10 * 60_000

/** Makes the battery last longer: scales down early the workloads that the user can do without. */
export default defineJob({
  name: 'shed-load',
  about: 'on battery, scales the workloads of power.shed to zero, and scales them up again on mains power',
  triggers: [on('power.on-battery'), on('power.on-mains')],
  runs: 'in-process',

  async run(context) {
    const { config, machines, ports, alerts, power, now, monotonic, carryOut, signal, whenPower } = context
    const { shed, shedAfter } = config.power
    const isOnBattery = () => machines.some(({ feed }) => supplyOf(feed, power) === 'battery')
    if (shed.length === 0) {
      alerts.settle('power.shed')
      return done('power.shed is empty')
    }
    if (!isOnBattery()) return lookAtRefused(context)
    const since = [...power.upses.values()].flatMap((state) =>
      state.mode === 'on-battery' && state.mainsSince === undefined ? [state.since] : [],
    )
    // Not before `onBatteryAfter`: shorter blips are ignored. Mains power that fails once more within moments is no new event.
    if (since.length === 0) return later('no UPS is on battery for certain', after(now(), looksAgain))
    const lasts = monotonic() - Math.min(...since)
    if (lasts < shedAfter) {
      return later(
        `on battery; workloads are scaled down after ${describeDuration(shedAfter)}`,
        after(now(), shedAfter - lasts),
      )
    }
    const open = ports.journal.openOutage()
    if (open?.stage === 'shedding') return done('the workloads are already scaled down')
    if (open) return later('an earlier outage is still open', after(now(), looksAgain))

    const { found: scaled } = await lookForSheddable(context)
    if (scaled.length === 0) return done('power.shed selects nothing that runs')
    // A shutdown may have started in the meantime.
    if (!isOnBattery() || ports.journal.openOutage()) return done('the power state has changed')
    openRecord(context, beginOutage(now(), 'on-battery', 'shedding')).update((outage) => ({ ...outage, scaled }))
    const steps = scaled.map((workload): Step => ({ do: 'scale', workload, replicas: 0, within: apiWithin }))
    let count = 0
    const onStep = (_: Step, { kind }: StepState) => void (kind === 'done' && (count += 1))
    using watch = whenPower(() => (isOnBattery() ? undefined : 'the power state has changed'))
    await carryOut([bestEffort(phase('scale-down', ['power-change'], ...steps))], {
      onStep,
      signal: watch.signal,
    }).catch((error: unknown) => {
      if (!watch.signal.aborted || signal.aborted) throw error
    })
    return done(`scaled ${count} of ${counted(scaled.length, 'workload')} to zero to save the battery`)
  },
})

/** Also reports what the API server refuses. */
async function lookForSheddable({ config, ports, alerts, signal }: JobContext): Promise<Sheddable> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(apiWithin)])
  const sheddable = await findSheddable(ports.kubernetes, config.power.shed, within)
  reportRefused(alerts, sheddable)
  return sheddable
}

/** What the API server refused in a power cut is asked for again until it is fixed: the next one may be far. */
async function lookAtRefused(context: JobContext): Promise<Outcome> {
  const { alerts, now, signal } = context
  const nothing = done('nothing runs on battery')
  if (!isRefused(alerts)) return nothing
  await lookForSheddable(context).catch(() => {})
  signal.throwIfAborted()
  if (!isRefused(alerts)) return nothing
  return later('the API server refuses a part of power.shed', after(now(), asksAgain))
}
