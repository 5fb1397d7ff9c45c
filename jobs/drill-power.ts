import { counted } from '../src/core/count.ts'
import type { DrillReport, WalkedPhase } from '../src/core/power/drill.ts'
import type { DrillRequest } from '../src/core/power/drill-shape.ts'
import { planNow, rehearse } from '../src/operations/rehearse.ts'
import { powerObstacle } from '../src/core/power/feeds.ts'
import { defineJob, type JobContext } from '../src/operations/job.ts'
import { after, done, later, type Outcome } from '../src/core/job.ts'
import type { Step, StepState } from '../src/core/plan.ts'
import { beginOrResume } from '../src/operations/begin-outage.ts'
import { settleOutage } from '../src/operations/outage-alerts.ts'
import type { OutageRecord } from '../src/operations/outage-record.ts'
import type { ShutdownPhase } from '../src/core/power/phases.ts'
import { remembered } from '../src/operations/facts.ts'
import { planWake } from '../src/core/power/recovery.ts'

/**
 * Carries out the real plan on the real cluster as far as it can be undone, checks what the rest would need, and undoes
 * it all. It is recorded like an outage, so that after an interruption (a power cut, a kill) it is known what was done.
 */
export default defineJob({
  name: 'drill-power',
  about: 'rehearses a power cut: cordons and drains for real, checks whether the rest would work, and undoes it all',
  triggers: [],
  purpose: 'rehearsal',
  runs: 'in-process',

  async idle({ config, ports, power, monotonic }) {
    const request = remembered.drillRequest.recall(ports.journal)
    if (!request) return done('no rehearsal: none is requested any more')
    const obstacle =
      powerObstacle(power, monotonic(), config.power) ??
      (ports.journal.openOutage() ? 'an outage is still open' : undefined)
    if (obstacle === undefined) return undefined
    remembered.drillRequest.remember(ports.journal, undefined)
    return done(`no rehearsal: ${obstacle}`)
  },

  async run(context) {
    const { machines, ports, signal } = context
    const { journal } = ports
    const request = remembered.drillRequest.recall(journal)
    // Once, whatever the result: a daemon that restarts must not drain the cluster again for an old request.
    remembered.drillRequest.remember(journal, undefined)
    remembered.drillCancelled.remember(journal, undefined)
    if (!request) return done('no rehearsal: none is requested any more')
    const report = await rehearse(context)
    // Who takes the cluster over meanwhile begins an outage of its own.
    signal.throwIfAborted()
    const { record, looked } = await beginOrResume(context, 'drill', machines)
    try {
      await looked
      return await goThrough(context, { request, report, record })
    } finally {
      // However it ends: what is not undone stays on record, and `wake-cluster` recovers from it.
      if (record.current.stage !== 'over') await context.emit({ type: 'drill.ended' })
    }
  },
})

interface Begun {
  readonly request: DrillRequest
  readonly report: DrillReport
  readonly record: OutageRecord
}

async function goThrough(context: JobContext, { request, report, record }: Begun): Promise<Outcome> {
  const { ports, signal, whenPower, now, wording } = context
  const { journal } = ports
  const isCancelled = () => remembered.drillCancelled.recall(journal) === true
  using watch = whenPower(({ upses }) => {
    if ([...upses.values()].some(({ mode }) => mode !== 'on-mains')) return 'the power is failing'
    return isCancelled() ? 'a person cancelled it' : undefined
  })
  const upTo = request.until === undefined ? '' : `, up to "${wording.titleOf(request.until)}"`
  journal.write({ kind: 'power', job: 'drill-power', text: `a rehearsal starts${upTo}` })
  const walked: WalkedPhase[] = []
  const { plan } = planNow(context, record.current)
  for (const phase of plan.phases.filter(({ reversible }) => reversible)) {
    if (watch.signal.aborted) break
    walked.push(await walk(context, record, phase, watch.signal))
    if (phase.id === request.until) break
  }
  // A power cut, which ends a phase as well, takes over the lease and continues from the record.
  signal.throwIfAborted()
  remembered.drill.remember(journal, {
    ...report,
    walked,
    ...(request.id === undefined ? {} : { request: request.id }),
  })
  const isUndone = await takeBack(context, record)
  const faults = report.checks.filter(({ ok }) => !ok).length + walked.flatMap((one) => one.failed).length
  const failing = watch.signal.aborted && !isCancelled()
  if (failing) return later('the rehearsal was stopped: the power is failing', after(now(), 1_000))
  const what = walked.map(({ phase }) => wording.titleOf(phase)).join(', ') || 'nothing'
  if (!isUndone) return later(`rehearsed ${what}; not everything is undone yet, trying again`, after(now(), 60_000))
  const summary = `rehearsed ${what} and undid it${isCancelled() ? ' when it was cancelled' : ''}; ${faults === 0 ? 'no faults' : `${counted(faults, 'fault')}; see the report`}`
  journal.write({ kind: 'power', job: 'drill-power', text: `the rehearsal is over: ${summary}` })
  return done(summary)
}

/** Returns whether everything was undone; the record is then closed. */
async function takeBack(
  { config, machines, alerts, now, carryOut }: JobContext,
  record: OutageRecord,
): Promise<boolean> {
  let undone = true
  const onStep = (_: Step, { kind }: StepState) => {
    if (kind === 'failed') undone = false
  }
  const powered = new Set(machines.map(({ name }) => name))
  const policy = { ...config.power.wake, acceptedStorage: config.storage.accept }
  await carryOut(planWake({ machines, outage: record.current, powered, upses: [] }, policy), { onStep })
  if (undone) {
    record.update((outage) => ({ ...outage, stage: 'over', endedAt: now().toISOString() }))
    settleOutage(alerts)
  }
  return undone
}

async function walk(
  { carryOut, wording, monotonic }: JobContext,
  record: OutageRecord,
  phase: ShutdownPhase,
  broken: AbortSignal,
): Promise<WalkedPhase> {
  const begin = monotonic()
  const failed: string[] = []
  const onStep = (step: Step, state: StepState) => {
    // What the end of the rehearsal cuts short has not failed.
    if (state.kind === 'failed' && !broken.aborted) failed.push(`${wording.describeStep(step)}: ${state.error.message}`)
    if (step.do === 'drain' && state.kind !== 'started') record.node(step.node, 'drained')
  }
  await carryOut([phase], { onStep, signal: broken }).catch((error: unknown) => {
    if (!broken.aborted) throw error
  })
  return { phase: phase.id, took: Math.round(monotonic() - begin), failed }
}
