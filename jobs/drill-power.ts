import { planNow, rehearse } from '../src/core/drill.ts'
import { defineJob, done, later, after, type JobContext, type StepState } from '../src/core/job.ts'
import { failingMachines, machinesOf } from '../src/core/machines.ts'
import { beginOrResume } from '../src/core/outage-begin.ts'
import type { OutageRecord } from '../src/core/outage-record.ts'
import { describeStep, type Step } from '../src/core/plan.ts'
import type { ShutdownPhase } from '../src/core/shutdown-phases.ts'
import { remembered } from '../src/core/target.ts'
import { planWake } from '../src/core/waking.ts'

/**
 * Walks the real plan on the real cluster as far as it can be taken back, asks what the rest would need, and takes
 * everything back. It is on record like an outage, so whatever interrupts it, a power cut or a kill, finds what was done.
 */
export default defineJob({
  name: 'drill-power',
  about: 'rehearses a power cut: really cordons and drains, asks whether the rest would work, and undoes it',
  triggers: [],
  purpose: 'maintenance',
  runs: 'here',

  async idle({ ports, power, config }) {
    const wish = remembered.drillWish.recall(ports.journal)
    if (!wish) return done('nobody has asked for a rehearsal')
    if (failingMachines(machinesOf(config), power).length === 0 && !ports.journal.openOutage()) return undefined
    remembered.drillWish.remember(ports.journal, undefined)
    return done('no rehearsal: an outage is under way')
  },

  async run(context) {
    const { config, ports, signal, whenPower, now } = context
    const { journal } = ports
    const wish = remembered.drillWish.recall(journal)
    // Once, whatever becomes of it: a daemon that starts again is not to drain a cluster for it.
    remembered.drillWish.remember(journal, undefined)
    if (!wish) return done('nobody has asked for a rehearsal')
    const report = await rehearse(context)
    const machines = machinesOf(config)
    const { record } = await beginOrResume(context, 'drill', machines)
    using watch = whenPower(({ upses }) =>
      [...upses.values()].some(({ mode }) => mode !== 'on-mains') ? 'the power is failing' : undefined,
    )
    journal.write({ kind: 'power', text: `a rehearsal begins${wish.until ? `, up to "${wish.until}"` : ''}` })
    const walked: NonNullable<typeof report.walked>[number][] = []
    const { plan } = planNow(context, record.current)
    for (const phase of plan.phases.filter(({ reversible }) => reversible)) {
      if (watch.signal.aborted) break
      walked.push(await walk(context, record, phase, watch.signal))
      if (phase.name === wish.until) break
    }
    // A power cut takes the cluster over, and goes on from what is on record.
    signal.throwIfAborted()
    await context.carryOut(
      planWake(machines, record.current, new Set(machines.map(({ name }) => name)), [], config.power.wake),
    )
    record.update((outage) => ({ ...outage, stage: 'over', endedAt: now().toISOString() }))
    remembered.drill.remember(journal, { ...report, walked })
    const faults = report.checks.filter(({ ok }) => !ok).length
    const failed = walked.flatMap((one) => one.failed).length
    if (watch.signal.aborted) return later('the rehearsal was broken off: the power is failing', after(now(), 1_000))
    return done(
      `rehearsed ${walked.map(({ phase }) => phase).join(', ') || 'nothing'} and took it back; ${failed + faults === 0 ? 'all would go well' : `${failed + faults} faults: see the report`}`,
    )
  },
})

async function walk({ carryOut, signal }: JobContext, record: OutageRecord, phase: ShutdownPhase, broken: AbortSignal) {
  const begin = performance.now()
  const failed: string[] = []
  const onStep = (step: Step, state: StepState) => {
    if (state.kind === 'failed') failed.push(`${describeStep(step)}: ${state.error.message}`)
    if (step.do === 'drain' && state.kind !== 'started') record.node(step.node, 'drained')
  }
  await carryOut([phase], { onStep, signal: broken }).catch((error: unknown) => {
    if (!broken.aborted || signal.aborted) throw error
  })
  return { phase: phase.name, took: Math.round(performance.now() - begin), failed }
}
