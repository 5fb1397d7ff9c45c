import type { Alerts } from '../core/alert.ts'
import { type Event, powerEvent } from '../core/event.ts'
import { createListeners } from '../core/listeners.ts'
import type { Power, PowerWatch } from '../core/power/feeds.ts'
import type { Journal } from '../core/journal.ts'
import { recollect } from '../core/power/memory.ts'
import { failedBefore } from '../core/power/renames.ts'
import { callOff, type PowerState, startPower } from '../core/power/state.ts'
import { nextPowerState } from '../core/power/transitions.ts'
import type { PowerPolicy } from '../core/power/triggers.ts'
import type { Observation } from '../core/power/ups.ts'
import { createUpsAlerts } from './ups-alerts.ts'
import { createUpsMemories } from './ups-memories.ts'

export interface UpsMonitorOptions {
  /** UPSes by label. */
  readonly upses: readonly string[]
  /** That of a UPS, as it is now. */
  readonly policy: (label: string) => PowerPolicy
  readonly journal: Pick<Journal, 'openOutage' | 'records'>
  readonly alerts: Alerts
  /** When a person ordered everything down, ISO 8601: kept over restarts. */
  readonly ordered: { get(): string | undefined; set(at: string | undefined): void }
  readonly emit: (event: Event) => Promise<void>
  /** The wall clock. */
  readonly now: () => Date
  /** Monotonic clock, in ms. */
  readonly monotonic: () => number
  /** The current boot of our own machine. */
  readonly bootId?: string | undefined
}

export type PowerTest = (power: Power) => string | undefined

/** Keeps the state of the power from one reading to the next, and emits an event on each change. */
export function createUpsMonitor(options: UpsMonitorOptions) {
  const { upses, policy, journal, alerts, ordered, emit, now, monotonic, bootId } = options
  const upsAlerts = createUpsAlerts({ upses, policy, alerts, emit, monotonic })
  const memories = createUpsMemories({ journal, now, monotonic })
  const outage = journal.openOutage()
  // Shed load or a rehearsal is not an open shutdown that would continue on battery.
  const isOpen = outage !== undefined && outage.stage !== 'waking' && !['on-battery', 'drill'].includes(outage.reason)
  // Who has booted since has had its power back: nodes that run now may have booted too, so silence tells them nothing.
  const hasBooted = outage?.bootId !== undefined && bootId !== undefined && outage.bootId !== bootId
  const nodesAreDown = outage?.stage === 'stopped' || hasBooted
  const former = failedBefore(upses, {
    failed: isOpen ? outage.upses : [],
    isKnown: (label) => memories.recall(label) !== undefined,
  })
  const states = new Map<string, PowerState>(
    upses.map((label) => [
      label,
      startPower(monotonic(), {
        openOutage: isOpen && former.has(label),
        nodesAreDown,
        ...recollect(memories.recall(former.get(label) ?? label), now(), policy(label)),
      }),
    ]),
  )
  const changes = createListeners<Power>()
  const noticedAt = new Map(upses.map((label) => [label, monotonic()]))
  const watches = new Set<{ test: PowerTest; abort: AbortController }>()

  const power: Power = {
    upses: states,
    get ordered() {
      return ordered.get()
    },
  }

  function review(): void {
    for (const watch of watches) {
      const reason = watch.test(power)
      if (reason === undefined) continue
      watches.delete(watch)
      watch.abort.abort(new Error(reason))
    }
  }

  function enter(label: string, state: PowerState): void {
    const before = states.get(label)!
    states.set(label, state)
    memories.notice(label, before, state)
    review()
    changes.tell(power)
    const event = state.mode === before.mode ? undefined : powerEvent(label, state)
    // Not waited for: a queue store that is slow must not keep the UPS from being read.
    if (event) void emit(event)
  }

  return {
    power,
    /** Takes note of what was read of a UPS, or of its silence. */
    notice: (label: string, seen: Observation): void => {
      const before = states.get(label)
      if (!before) return
      noticedAt.set(label, monotonic())
      const state = nextPowerState(before, seen, policy(label))
      enter(label, state)
      upsAlerts.notice(label, seen, state)
    },
    /** Looks at the power at once, and then at each change of it. */
    when: (test: PowerTest): PowerWatch => {
      const watch = { test, abort: new AbortController() }
      const reason = test(power)
      if (reason === undefined) watches.add(watch)
      else watch.abort.abort(new Error(reason))
      return { signal: watch.abort.signal, [Symbol.dispose]: () => void watches.delete(watch) }
    },
    /** Called after each observation, and when a person has changed something, until it is disposed of. */
    onChange: changes.subscribe,
    /** Has every test of `when` look again: what a person requested has changed. */
    review,
    /** Requests a shutdown of everything, or cancels that request. Returns whether it changes anything. */
    order: (at: string | undefined): boolean => {
      if ((ordered.get() === undefined) === (at === undefined)) return false
      ordered.set(at)
      review()
      changes.tell(power)
      void emit({ type: at === undefined ? 'power.order-withdrawn' : 'power.ordered' })
      return true
    },
    /** Cancels the shutdowns that the UPSes have started. Returns their labels. */
    callOff: (): readonly string[] => {
      const calledOff: string[] = []
      for (const [label, state] of states) {
        const spared = callOff(state)
        if (!spared) continue
        enter(label, spared)
        calledOff.push(label)
      }
      return calledOff
    },
    /** Keeps on the disk what has to be known after a restart. */
    rest: (): void => {
      for (const [label, state] of states) memories.write(label, state)
    },
    /** UPSes of which nothing has been noticed for so many ms, not even that they are silent. */
    unnoticedFor: (ms: number): readonly string[] =>
      [...noticedAt].filter(([, at]) => monotonic() - at >= ms).map(([label]) => label),
    /** For how long a UPS has been silent, in ms, once that is longer than the policy allows. */
    silentFor: upsAlerts.silentFor,
    /** That there is no reading of a UPS, from the first question without an answer on; undefined where there is one. */
    silence: upsAlerts.silence,
  }
}
