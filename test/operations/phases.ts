import { expect } from 'vitest'
import type { CarryOutChoices, Plan, Step, StepState } from '../../src/core/plan.ts'
import type { Power } from '../../src/core/power/feeds.ts'
import { beginOutage, type Outage, type OutageNode, withMachines, withNodeState } from '../../src/core/power/outage.ts'
import { irreversible, type ShutdownPhase } from '../../src/core/power/phases.ts'
import { createAlerts } from '../../src/operations/alerts.ts'
import { openRecord, type OutageRecord } from '../../src/operations/outage-record.ts'
import { carryOutPhase } from '../../src/operations/shutdown-phase.ts'
import { memoryJournal } from '../fakes/journal.ts'
import { powerOf } from '../core/power/states.ts'

/** Phases of a shutdown, carried out with steps that end as a test says. */

export const at = '2026-05-01T03:00:00.000Z'
const now = () => new Date(at)
export const within = 5_000
const names = ['w-1', 'w-2', 'nas']

export const cordon = (node: string): Step => ({ do: 'cordon', node, mark: { why: 'power', at }, within })
export const drain = (node: string): Step => ({ do: 'drain', node, policy: { deleteAfter: 1, maxGrace: 1 }, within })
export const shutDown = (node: string): Step => ({ do: 'shut-down', node, force: true, within })
export const shutDownHost = (host: string): Step => ({ do: 'shut-down-host', host, within })
export const awaitDown = (node: string): Step => ({ do: 'await-down', node, within })
export const awaitHostDown = (host: string): Step => ({ do: 'await-host-down', host, within })
export const cut: Step = { do: 'ups-command', ups: 'rack', command: 'shutdown.return', within }
export const noout: Step = {
  do: 'set-storage',
  setting: { system: 'ceph', namespace: 'rook-ceph', name: 'noout', before: 'unset', during: 'set' },
  value: 'set',
  within,
}
export const request = irreversible('shut-down-workers', [], [shutDown('w-1'), shutDown('w-2')], within)
export const wait = irreversible('await-workers', ['short-battery'], [awaitDown('w-1'), awaitDown('w-2')], within)

export const done: StepState = { kind: 'done' }
export const failed: StepState = { kind: 'failed', error: new Error('no answer') }

/** What happens while the steps of a phase run. */
interface Running {
  /** A step comes so far. */
  step(step: Step, state: StepState): void
  /** The battery has no more time for the phase, or the phase is not wanted any more. */
  change(what: 'tight' | 'over'): void
  /** Each state of the record that reached the journal so far. */
  readonly saved: readonly Outage[]
  /** The agent stops. */
  stop(): void
}

export interface Tried {
  readonly phase: ShutdownPhase
  /** Who was up when the outage began. */
  readonly wasUp?: readonly string[]
  readonly begun?: (outage: Outage) => Outage
  readonly requestedBefore?: readonly string[]
  readonly runs: (running: Running) => void
}

export const began: StepState = { kind: 'started' }
/** Every step begins, and is done. */
export const well =
  ({ steps }: ShutdownPhase): Tried['runs'] =>
  ({ step }) => {
    for (const one of steps) step(one, began)
    for (const one of steps) step(one, done)
  }

/** Carries a phase out; answers what came of it, and each state of the record that reached the journal. */
export async function attempt({ phase, wasUp = names, begun = (one) => one, requestedBefore = [], runs }: Tried) {
  const journal = memoryJournal()
  const alerts = createAlerts(journal, now)
  const own = openRecord({ ports: { journal } as never, now }, beginOutage(now(), 'low-battery'))
  own.update((outage) => begun(withMachines(outage, names, new Set(wasUp))))
  const saved: Outage[] = []
  const record: OutageRecord = {
    get current() {
      return own.current
    },
    update: (change) => {
      own.update(change)
      saved.push(own.current)
    },
    node: (name, state) => {
      own.node(name, state)
      saved.push(own.current)
    },
  }
  const [agent, power] = [new AbortController(), new AbortController()]
  const present = { tight: false, over: false }
  let look = () => {}
  const context = {
    signal: agent.signal,
    alerts,
    now,
    whenPower: (test: (present: Power) => string | undefined) => {
      look = () => {
        const reason = test(powerOf({}))
        if (reason !== undefined) power.abort(new Error(reason))
      }
      look()
      return { signal: power.signal, [Symbol.dispose]: () => (look = () => {}) }
    },
    carryOut: async (plan: Plan, { signal, onStep }: CarryOutChoices = {}) => {
      expect(plan).toEqual([phase])
      runs({
        step: onStep!,
        change: (what) => {
          present[what] = true
          look()
        },
        saved,
        stop: () => agent.abort(new Error('the agent stops')),
      })
      agent.signal.throwIfAborted()
      signal!.throwIfAborted()
    },
  }
  const isTight = () => present.tight
  const isOver = () => present.over
  const machines = names.map((name) => ({ name }))
  const run = { phase, record, requestedBefore: new Set(requestedBefore), machines, isTight, isOver }
  const ended = await carryOutPhase(context, run).then(
    (ids) => ids,
    (error: unknown) => (error as Error).message,
  )
  const states = Object.fromEntries(Object.entries(record.current.nodes).map(([name, { state }]) => [name, state]))
  return {
    ended,
    isStopped: power.signal.aborted,
    outage: record.current,
    states,
    saved,
    alerts: alerts.all,
  }
}

export const stated =
  (states: Readonly<Record<string, OutageNode['state']>>) =>
  (outage: Outage): Outage =>
    Object.entries(states).reduce((one, [name, state]) => withNodeState(one, name, state), outage)

export const stateOf = (outage: Outage | undefined, name: string) => outage?.nodes[name]?.state
