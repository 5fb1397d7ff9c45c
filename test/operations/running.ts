import type { AlertId } from '../../src/core/alert-kinds.ts'
import type { Event } from '../../src/core/event.ts'
import type { Journal } from '../../src/core/journal.ts'
import { english } from '../../src/core/wording.ts'
import type { PhaseId } from '../../src/core/phase-id.ts'
import type { CarryOutChoices, Phase, Plan, Step } from '../../src/core/plan.ts'
import type { Power } from '../../src/core/power/feeds.ts'
import type { Outage } from '../../src/core/power/outage.ts'
import type { PowerState } from '../../src/core/power/state.ts'
import type { Job, JobContext } from '../../src/operations/job.ts'
import type { Alerts } from '../../src/core/alert.ts'
import { outline } from '../core/power/shutdowns.ts'
import { agentAt, clock, type Homelab } from './begun.ts'

/** A job of the power, run to its end: each phase passes at once, and a test says what happens meanwhile. */

export interface Scene {
  /** The phase that is under way. */
  readonly phase: Phase
  reads(ups: string, state: PowerState): void
  /** The clock goes on by so many ms. */
  passes(ms: number): void
  /** What was looked at answers. */
  see(): void
  /** The agent stops, or somebody else takes the cluster over. */
  stop(): void
  readonly alerts: Alerts
  readonly outage: Outage
  readonly journal: Journal
}

export interface Course extends Omit<Homelab, 'kubernetes'> {
  readonly kubernetes?: Homelab['kubernetes'] | ((scene: Omit<Scene, 'phase'>) => Homelab['kubernetes'])
  readonly power: Power
  readonly config: object
  /** What happens when the steps of a phase have begun. */
  readonly during?: Partial<Record<PhaseId, (scene: Scene) => void>>
  /** What happens when a phase has ended, in the next turn. */
  readonly after?: Partial<Record<PhaseId, (scene: Scene) => void>>
  /** What happens when something begins to wait for the power to change, outside a phase. */
  readonly watched?: (scene: Omit<Scene, 'phase'>) => void
  /** Steps that fail, as they are told to people. */
  readonly fails?: readonly string[]
  /** What is remembered. */
  readonly remembers?: (journal: Journal) => void
  /** Alerts that are open, by their ids. */
  readonly alerts?: readonly AlertId[]
  /** Further ports. */
  readonly ports?: (scene: Omit<Scene, 'phase'>) => object
  /** Where what is told goes, for a run that throws. */
  readonly tells?: { readonly events: Event[]; readonly told: string[] }
  /** What a phase ends with that no port has said: a bug. */
  readonly throws?: Partial<Record<PhaseId, Error>>
  /** Looks that are asked for do not answer before `see`. */
  readonly isSlow?: true
}

export async function runs(job: Job, { kubernetes, ...course }: Course) {
  const agent = agentAt(course)
  if (!course.isSlow) agent.see()
  course.remembers?.(agent.journal)
  for (const id of course.alerts ?? []) agent.alerts.open(id, { severity: 'warning', subject: 'power', text: id })
  let present = clock
  const states = course.power.upses as Map<string, PowerState>
  const looks = new Set<() => void>()
  const look = () => looks.forEach((one) => one())
  const phases: string[] = []
  const { told, events } = course.tells ?? { told: [], events: [] }
  const scene = {
    reads: (ups: string, state: PowerState) => {
      states.set(ups, state)
      look()
    },
    passes: (ms: number) => {
      present += ms
      look()
    },
    see: agent.see,
    stop: agent.stop,
    alerts: agent.alerts,
    journal: agent.journal,
    get outage() {
      return agent.record()
    },
  }
  let isInPhase = false
  const carryOutOne = async (phase: Phase, { signal, onStep }: CarryOutChoices) => {
    isInPhase = true
    told.push(...outline([phase]))
    for (const step of phase.steps) onStep?.(step, { kind: 'started' })
    course.during?.[phase.id]?.({ ...scene, phase, outage: scene.outage })
    const isCut = signal?.aborted === true || agent.context.signal.aborted
    phases.push(isCut ? `${phase.id}, cut short` : phase.id)
    const failureOf = (step: Step) => {
      if (isCut) return new Error('cut short')
      return course.fails?.includes(english.describeStep(step)) === true ? new Error('no answer') : undefined
    }
    for (const step of phase.steps) {
      const error = failureOf(step)
      onStep?.(step, error ? { kind: 'failed', error } : { kind: 'done' })
    }
    isInPhase = false
    const then = course.after?.[phase.id]
    if (then) setImmediate(() => then({ ...scene, phase, outage: scene.outage }))
    agent.context.signal.throwIfAborted()
    signal?.throwIfAborted()
    const bug = course.throws?.[phase.id]
    if (bug) throw bug
  }
  const context = {
    ...agent.context,
    ports: {
      ...agent.context.ports,
      kubernetes: typeof kubernetes === 'function' ? kubernetes(scene) : kubernetes,
      ...course.ports?.(scene),
    },
    config: course.config,
    wording: english,
    monotonic: () => present,
    emit: async (event: Event) => void events.push(event),
    carryOut: async (plan: Plan, choices: CarryOutChoices = {}) => {
      for (const phase of plan) await carryOutOne(phase, choices)
    },
    whenPower: (test: (power: Power) => string | undefined) => {
      const ended = new AbortController()
      const one = () => {
        const why = test(course.power)
        if (why !== undefined) ended.abort(new Error(why))
      }
      looks.add(one)
      one()
      if (!ended.signal.aborted && !isInPhase)
        setImmediate(() => looks.has(one) && !isInPhase && course.watched?.(scene))
      return { signal: ended.signal, [Symbol.dispose]: () => void looks.delete(one) }
    },
  } as unknown as JobContext
  const outcome = await job.run(context)
  const [last] = agent.journal.outages(1)
  return {
    outcome,
    /** Each phase by its id, in order. */
    phases,
    /** The same, with its steps. */
    told,
    events,
    outage: last,
    states: Object.fromEntries(Object.entries(last?.nodes ?? {}).map(([name, { state }]) => [name, state])),
    lines: agent.lines(),
    journal: agent.journal,
    alerts: agent.alerts,
  }
}
