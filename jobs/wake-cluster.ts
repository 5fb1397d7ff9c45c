import { describeDuration } from '../src/core/duration.ts'
import { after, defineJob, done, later, on, type StepState } from '../src/core/job.ts'
import { missingNodes, type Outage, wentDown, withNodeState } from '../src/core/outage.ts'
import type { Step } from '../src/core/plan.ts'
import { powerObstacle } from '../src/core/power.ts'
import { planWake } from '../src/core/shutdown.ts'

/** Brings back after a power cut what was up before it, and takes our own cordons away. */
export default defineJob({
  name: 'wake-cluster',
  about: 'after a power cut wakes what was up before, waits until it is Ready, and uncordons it',
  triggers: [on('power.on-mains')],
  purpose: 'maintenance',
  runs: 'here',

  async run(context) {
    const { config, ports, now, monotonic, carryOut, emit, signal } = context
    const { journal } = ports
    const policy = config.power.wake
    let outage = journal.openOutage()
    if (!outage) return done('there was no power cut')

    const { power } = context
    const obstacle = powerObstacle(power, monotonic(), config.power)
    if (obstacle || power.mode !== 'on-mains') return later(obstacle ?? 'mains is not back', after(now(), 5_000))
    if (wentDown(outage)) {
      const stable = monotonic() - power.since
      if (stable < policy.stableFor) {
        return later(
          `mains has been back for ${describeDuration(stable)} of ${describeDuration(policy.stableFor)}`,
          after(now(), policy.stableFor - stable),
        )
      }
      const { charge } = power.reading
      if (charge !== undefined && charge < policy.minimumCharge) {
        return later(
          `the battery is charged to ${charge} % of the ${policy.minimumCharge} % that a second outage needs`,
          after(now(), 10_000),
        )
      }
    }

    const save = (changed: Outage) => {
      outage = changed
      journal.saveOutage(changed)
    }
    const before = outage
    if (wentDown(outage)) save({ ...outage, stage: 'waking' })
    const onStep = (step: Step, { kind }: StepState) => {
      if (step.do === 'wake' && kind === 'started') save(withNodeState(outage!, step.node, 'wake-sent'))
      if (step.do === 'await-ready' && kind === 'done') save(withNodeState(outage!, step.node, 'back'))
    }
    let uncordoned = true
    await carryOut(planWake(config.nodes, outage, policy), {
      onStep: (step, state) => {
        onStep(step, state)
        if (step.do === 'uncordon' && state.kind === 'failed') uncordoned = false
      },
    })
    signal.throwIfAborted()

    const missing = missingNodes(outage, config.nodes)
    if (missing.length > 0 || !uncordoned) {
      const reason =
        missing.length > 0
          ? `${missing.join(', ')} did not come back: press the power button there`
          : 'not every node could be uncordoned'
      journal.write({ kind: 'alert', text: reason })
      return later(reason, after(now(), Math.min(60_000, policy.giveUpAfter)))
    }
    save({ ...outage, stage: 'over', endedAt: now().toISOString() })
    await emit({ type: 'cluster.woken' })
    const took = describeDuration(now().getTime() - new Date(before.startedAt).getTime())
    return done(
      wentDown(before)
        ? `the cluster is back, ${took} after the power cut began`
        : 'power came back in time; nothing went down',
    )
  },
})
