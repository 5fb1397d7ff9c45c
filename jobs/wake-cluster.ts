import { alertOnce } from '../src/core/alerts.ts'
import { whyUnhealthy } from '../src/core/cluster.ts'
import { describeDuration } from '../src/core/duration.ts'
import { after, defineJob, done, type JobContext, later, on, type StepState } from '../src/core/job.ts'
import { missingNodes, type Outage, wentDown, withNodeState } from '../src/core/outage.ts'
import { bestEffort, phase, type Step } from '../src/core/plan.ts'
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
    const { config, ports, now, monotonic, carryOut, emit, signal, mainsLost, power } = context
    const { journal } = ports
    const policy = config.power.wake
    const open = journal.openOutage()
    const obstacle = powerObstacle(power, monotonic(), config.power)
    if (obstacle || power.mode !== 'on-mains') return later(obstacle ?? 'mains is not back', after(now(), 5_000))
    if (!open) return tidy(context)

    if (wentDown(open)) {
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

    let outage: Outage = open
    const save = (changed: Outage) => {
      outage = changed
      journal.saveOutage(changed)
    }
    if (wentDown(open)) save({ ...open, stage: 'waking' })
    let uncordoned = true
    const onStep = (step: Step, { kind }: StepState) => {
      if (step.do === 'bring-back' && kind === 'started') save(withNodeState(outage, step.node, 'wake-sent'))
      if (step.do === 'bring-back' && kind === 'done') save(withNodeState(outage, step.node, 'back'))
      if (step.do === 'uncordon' && kind === 'failed') uncordoned = false
    }
    try {
      await carryOut(planWake(config.nodes, open, policy), { onStep, signal: mainsLost })
    } catch (error) {
      if (!mainsLost.aborted || signal.aborted) throw error
      return later('mains is gone again', after(now(), 5_000))
    }

    const missing = wentDown(open) ? missingNodes(outage, config.nodes) : []
    if (missing.length > 0 || !uncordoned) {
      const reason = missing.length > 0 ? await describeMissing(context, missing) : 'not every node could be uncordoned'
      alertOnce(journal, 'wake', reason)
      return later(reason, after(now(), Math.min(60_000, policy.giveUpAfter)))
    }
    alertOnce(journal, 'wake', undefined)
    save({ ...outage, stage: 'over', endedAt: now().toISOString() })
    await emit({ type: 'cluster.woken' })
    const took = describeDuration(now().getTime() - new Date(open.startedAt).getTime())
    return done(
      wentDown(open)
        ? `the cluster is back, ${took} after the power cut began`
        : 'power came back in time; nothing went down',
    )
  },
})

async function describeMissing({ observe }: JobContext, missing: readonly string[]): Promise<string> {
  const { nodes } = await observe()
  const texts = missing.map((name) => {
    const node = nodes.find((candidate) => candidate.name === name)
    if (node?.talos.ok) return `${name} is up and ${whyUnhealthy(node) ?? 'about to be taken back'}`
    return `${name} did not come back: press its power button`
  })
  return texts.join('; ')
}

/** Cordons for a power cut of which there is no record, because the journal was lost: ours, and nobody else's to undo. */
async function tidy({ ports, carryOut, signal }: JobContext) {
  const nodes = await ports.kubernetes
    .nodes(AbortSignal.any([signal, AbortSignal.timeout(5_000)]))
    .catch(() => undefined)
  const ours = [...(nodes ?? [])].filter(([, { cordon }]) => cordon?.why === 'power').map(([name]) => name)
  if (ours.length === 0) return done('there was no power cut')
  const steps = ours.map((node): Step => ({ do: 'uncordon', node, why: 'power' }))
  await carryOut([bestEffort(phase('uncordon', ...steps))])
  return done(`${ours.join(', ')} uncordoned: left over from a power cut that is not on record`)
}
