import type { PhaseId } from '../core/phase-id.ts'
import { type Step, type StepState, whyNotBegin } from '../core/plan.ts'
import type { Machine } from '../core/power/machines.ts'
import { type Outage, withNodeState, withoutDrains, withProofOfLife } from '../core/power/outage.ts'
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
  readonly machines: readonly Pick<Machine, 'name'>[]
  /** The battery has no more time for it. */
  readonly isTight: () => boolean
  /** It is not what is wanted any more. */
  readonly isOver: () => boolean
}

export type PhaseContext = Pick<JobContext, 'carryOut' | 'signal' | 'whenPower' | 'alerts' | 'now'>

/** Returns the phases that need not be carried out any more. */
export async function carryOutPhase(context: PhaseContext, run: PhaseRun): Promise<readonly PhaseId[]> {
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
  let isNoted = false
  // Before the first effect the disk knows of it: whoever comes after us continues from there. The steps of a phase begin
  // together, and a write for each would keep all orders waiting for so many turns of the disk.
  const noteBefore = () => {
    if (!isNoted) record.update((outage) => begunIn(outage, phase, context.now()))
    isNoted = true
  }
  const onStep = (step: Step, { kind }: StepState) => {
    if (step.do === 'cordon' && kind === 'done') cordoned += 1
    if (kind === 'started') return noteBefore()
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

/** The outage as it is once the steps of a phase have begun. */
function begunIn(outage: Outage, { id, steps }: ShutdownPhase, now: Date): Outage {
  const begun = steps.reduce((one, step) => begunWith(one, step, now), outage)
  // Our own machine is the last: nothing is left to do after a restart.
  return id === 'shut-down-own-machine' ? { ...begun, stage: 'stopped' } : begun
}

function begunWith(outage: Outage, step: Step, now: Date): Outage {
  if (step.do === 'shut-down') return withNodeState(outage, step.node, 'shutdown-sent', now)
  if (step.do === 'shut-down-host') return withNodeState(outage, step.host, 'shutdown-sent', now)
  // What is set now is to be waited for again.
  if (step.do === 'set-storage') return { ...outage, storageGivenUp: undefined }
  if (step.do === 'ups-command') return { ...outage, cut: { ...outage.cut, [step.ups]: now.toISOString() } }
  return outage
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
