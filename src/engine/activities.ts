import type { Activity } from '../core/activity.ts'
import type { Journal } from '../core/journal.ts'
import { createListeners } from '../core/listeners.ts'
import type { Logger } from '../core/log.ts'
import { type Meter, meterPhase } from '../core/metrics/meter.ts'
import type { CarryOutChoices, Plan, Step } from '../core/plan.ts'
import type { Ports } from '../core/ports.ts'
import type { Wording } from '../core/wording.ts'
import { carryOut } from './carry-out.ts'
import { confirmedOrders } from './confirmed-orders.ts'
import type { Inventory } from './observe.ts'

export interface ActivitiesOptions {
  readonly ports: Ports
  /** Throws where the cluster is not ours any more: asked before each order. */
  readonly confirm: () => Promise<void>
  readonly journal: Pick<Journal, 'write'>
  readonly inventory: () => Inventory
  readonly wording: Wording
  /** Poll interval of a wait, in ms. */
  readonly pollEvery: number
  readonly now: () => Date
  readonly meter: Meter
}

/** Who carries a plan out. */
export interface Carrier {
  readonly job: string
  readonly log: Logger
  readonly signal: AbortSignal
}

/** Carries plans out, and knows which steps are under way. */
export function createActivities(options: ActivitiesOptions) {
  const { journal, inventory, wording, pollEvery, now, meter } = options
  const ports = confirmedOrders(options.ports, options.confirm)
  const present = new Map<Step, Activity>()
  const changes = createListeners<void>()

  function hint(node: string, text: string): void {
    for (const [step, activity] of present) {
      if ('node' in step && step.node === node) present.set(step, { ...activity, hint: text })
    }
    changes.tell()
  }

  function note(step: Step, job: string, text: string): void {
    journal.write({ kind: 'step', ...('node' in step ? { subject: step.node } : {}), job, text })
  }

  async function carry(plan: Plan, { job, log, signal }: Carrier, choices: CarryOutChoices = {}): Promise<void> {
    await carryOut(plan, ports, {
      inventory: inventory(),
      log,
      wording,
      pollEvery,
      ...choices,
      signal: choices.signal ? AbortSignal.any([signal, choices.signal]) : signal,
      onHint: hint,
      onPhase: (phase, ms) => {
        meterPhase(meter, phase, ms)
        choices.onPhase?.(phase, ms)
      },
      // Whoever wants to know asks: it changes with each packet.
      onProgress: (step, progress) => {
        const activity = present.get(step)
        if (activity) present.set(step, { ...activity, progress })
      },
      onStep: (step, state) => {
        choices.onStep?.(step, state)
        const text = wording.describeStep(step)
        if (state.kind === 'started') {
          present.set(step, { job, step: text, since: now().toISOString() })
          changes.tell()
          log.info({ step: step.do }, text)
          return
        }
        present.delete(step)
        changes.tell()
        if (state.kind === 'done') return choices.isRoutine ? undefined : note(step, job, `${text}: done`)
        const isCalledOff = signal.aborted || choices.signal?.aborted === true
        note(step, job, isCalledOff ? `${text}: cancelled, ${state.error.message}` : `failed: ${state.error.message}`)
      },
    })
  }

  return {
    carryOut: carry,
    /** Called when a step begins, says something, or has ended, until it is disposed of. */
    onChange: changes.subscribe,
    /** What is done by the steps that are running. */
    get steps(): readonly Step['do'][] {
      return [...present.keys()].map((step) => step.do)
    },
    /** The steps that are running. */
    get all(): readonly Activity[] {
      return [...present.values()]
    },
  }
}
