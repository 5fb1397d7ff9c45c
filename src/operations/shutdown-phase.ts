import type { PhaseId } from '../core/phase-id.ts'
import { type Step, type StepState, whyNotBegin } from '../core/plan.ts'
import type { Machine } from '../core/power/machines.ts'
import { withoutDrains, withProofOfLife } from '../core/power/outage.ts'
import { type ShutdownPhase } from '../core/power/phases.ts'
import { reversiblePhases } from '../core/power/reversible.ts'
import type { JobContext } from './job.ts'
import type { OutageRecord } from './outage-record.ts'

/** One phase of a shutdown, at the time that it is carried out. */
export interface PhaseRun {
  readonly phase: ShutdownPhase
  readonly record: OutageRecord
  /** Machines whose shutdown an agent before us has requested: when one falls silent, it has heard. */
  readonly requestedBefore: ReadonlySet<string>
  readonly machines: readonly Machine[]
  /** The battery has no more time for it. */
  readonly isTight: () => boolean
  /** It is not what is wanted any more. */
  readonly isOver: () => boolean
}

/** Returns the phases that need not be carried out any more. */
export async function carryOutPhase(context: JobContext, run: PhaseRun): Promise<readonly PhaseId[]> {
  const { carryOut, signal, whenPower, alerts } = context
  const { record, requestedBefore, phase, isTight, isOver } = run
  using watch = whenPower(() =>
    whyNotBegin(phase, {
      get 'power-change'() {
        return isOver() ? 'the power state has changed' : undefined
      },
      get 'short-battery'() {
        return isTight() ? 'the battery has no time left for it' : undefined
      },
    }),
  )
  // No drain continues once the first machine goes down.
  if (!phase.reversible) record.update((outage) => withoutDrains(outage, run.machines))
  let cordoned = 0
  const onStep = (step: Step, { kind }: StepState) => {
    if (step.do === 'cordon' && kind === 'done') cordoned += 1
    // Before a step's first effect the disk knows of it: whoever comes after us continues from there.
    if (kind === 'started') return noteBefore(context, record, step, phase)
    if (signal.aborted || (watch.signal.aborted && isOver())) return
    noteAfter(record, step, kind === 'done', requestedBefore)
  }
  await carryOut([phase], { signal: watch.signal, onStep }).catch((error: unknown) => {
    if (!watch.signal.aborted || signal.aborted) throw error
  })
  if (watch.signal.aborted && isOver()) return []
  if (phase.id !== 'cordon' || cordoned > 0) return [phase.id]
  // Where not one node could be cordoned the API is away, and everything else would only wait for it on the battery.
  alerts.open('outage.api', {
    severity: 'warning',
    subject: 'kubernetes',
    text: 'the Kubernetes API does not answer: nodes shut down without a drain',
  })
  return reversiblePhases
}

function noteBefore({ now }: JobContext, record: OutageRecord, step: Step, { id }: ShutdownPhase): void {
  if (step.do === 'shut-down') record.node(step.node, 'shutdown-sent')
  if (step.do === 'shut-down-host') record.node(step.host, 'shutdown-sent')
  // What is set now is to be waited for again.
  if (step.do === 'set-storage') record.update((outage) => ({ ...outage, storageGivenUp: undefined }))
  if (step.do === 'ups-command') {
    record.update((outage) => ({ ...outage, cut: { ...outage.cut, [step.ups]: now().toISOString() } }))
  }
  // Our own machine is the last: nothing is left to do after a restart.
  if (id === 'shut-down-own-machine') record.update((outage) => ({ ...outage, stage: 'stopped' }))
}

function noteAfter(record: OutageRecord, step: Step, isDone: boolean, requestedBefore: ReadonlySet<string>): void {
  const requested = step.do === 'shut-down' ? step.node : step.do === 'shut-down-host' ? step.host : undefined
  const awaited = step.do === 'await-down' ? step.node : step.do === 'await-host-down' ? step.host : undefined
  if (step.do === 'drain') record.node(step.node, 'drained')
  // Who accepts the order is up, though a first look that timed out may have said otherwise.
  if (requested !== undefined && isDone) record.update((outage) => withProofOfLife(outage, requested))
  if (requested !== undefined && !isDone && !requestedBefore.has(requested)) record.node(requested, 'unreached')
  // One whose shutdown no one could request is neither off because it is silent, nor given up because it answers.
  if (awaited !== undefined && record.current.nodes[awaited]?.state !== 'unreached')
    record.node(awaited, isDone ? 'off' : 'abandoned')
}
