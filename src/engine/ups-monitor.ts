import { alertOnce } from '../operations/alerts.ts'
import { type Event, powerEvent } from '../core/event.ts'
import type { Power } from '../core/power/feeds.ts'
import type { PowerWatch } from '../core/power/feeds.ts'
import type { Journal } from '../core/journal.ts'
import { callOff, nextPowerState, type PowerState, saysAnything, startPower } from '../core/power/state.ts'
import { remembered } from '../operations/facts.ts'
import { type PowerPolicy, triggersOf } from '../core/power/triggers.ts'
import { type Observation, remarksOn } from '../core/power/ups.ts'

export interface GuardOptions {
  /** UPSes by label. */
  readonly upses: readonly string[]
  readonly policy: PowerPolicy
  readonly journal: Journal
  readonly emit: (event: Event) => Promise<void>
  /** ms of a clock that never jumps. */
  readonly monotonic: () => number
  /** The present boot of our own machine. */
  readonly bootId?: string | undefined
}

export type PowerTest = (power: Power) => string | undefined

/** A UPS that falls silent so often a day is told of once, and not each time: lost data that come back are common. */
const flaps = 3
const hour = 3_600_000
const day = 24 * hour

/** Keeps what is known of the power, from one reading to the next, and tells whoever has to act on it. */
export function createUpsMonitor({ upses, policy, journal, emit, monotonic, bootId }: GuardOptions) {
  const outage = journal.openOutage()
  // What is only spared or rehearsed is no shutdown that goes on at the first word of a battery.
  const isOpen = outage !== undefined && outage.stage !== 'waking' && !['on-battery', 'drill'].includes(outage.reason)
  // Who has booted since has had its power back: nodes that run now may have booted too, so silence tells them nothing.
  const hasBooted = outage?.bootId !== undefined && bootId !== undefined && outage.bootId !== bootId
  const nodesAreDown = outage?.stage === 'stopped' || hasBooted
  const states = new Map<string, PowerState>(
    upses.map((label) => [
      label,
      startPower(monotonic(), isOpen && (outage.upses?.includes(label) ?? true), nodesAreDown),
    ]),
  )
  const hearing = new Map(
    upses.map((label) => [label, { lastHeard: monotonic(), toldAt: [] as number[], told: false, alerted: false }]),
  )
  const remarks = new Map<string, boolean>()
  const watches = new Set<{ test: PowerTest; abort: AbortController }>()

  const power: Power = {
    upses: states,
    get ordered() {
      return remembered.ordered.recall(journal)
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
    review()
    const event = state.mode === before.mode ? undefined : powerEvent(label, state)
    // Not waited for: a queue store that is slow must not keep the UPS from being read.
    if (event) void emit(event)
  }

  /** Silence starts no shutdown from mains, so somebody must hear that the protection is gone. Said once each way. */
  function noticeSilence(label: string, seen: Observation): void {
    const heard = hearing.get(label)!
    if (seen.kind === 'reading' && saysAnything(seen.reading, states.get(label)!)) {
      heard.lastHeard = seen.at
      if (heard.told) void emit({ type: 'ups.heard', ups: label })
      heard.told = false
      return
    }
    const silence = seen.at - heard.lastHeard
    if (silence <= policy.silence) return
    const why = seen.kind === 'silence' ? seen.why : 'the UPS server has no data'
    const alert = (text: string) => {
      heard.alerted = true
      journal.write({ kind: 'alert', subject: label, text: `${text}: ${why}` })
    }
    // One that seemed to be of those that pass, and does not.
    if (heard.told && !heard.alerted && silence > hour)
      alert('has been silent for an hour, and nothing guards the power')
    if (heard.told) return
    heard.told = true
    heard.alerted = false
    heard.toldAt = [...heard.toldAt.filter((at) => seen.at - at < day), seen.at]
    if (heard.toldAt.length < flaps) alert('nothing guards the power')
    if (heard.toldAt.length === flaps) alert('falls silent again and again, and the power is guarded only in between')
    void emit({ type: 'ups.silent', ups: label })
  }

  /** What is said when it appears, and not again while it lasts, however its figures change. */
  function remark(label: string, matter: string, text: string | undefined): void {
    const key = `${label}.${matter}`
    if (remarks.get(key) === (text !== undefined)) return
    remarks.set(key, text !== undefined)
    alertOnce(journal, `ups.${key}`, text === undefined ? undefined : `${label} ${text}`, label)
  }

  function noticeRemarks(label: string, seen: Observation): void {
    if (seen.kind === 'silence' || !saysAnything(seen.reading, states.get(label)!)) return
    for (const [matter, text] of Object.entries(remarksOn(seen.reading))) remark(label, matter, text)
    for (const { reason, text, disarmed, lacks } of triggersOf(seen.reading, policy)) {
      const told = lacks === undefined ? undefined : `can't start a shutdown for ${text}: ${disarmed}`
      remark(label, `disarmed.${reason}`, told)
    }
  }

  return {
    power,
    /** Takes note of what was read of a UPS, or of its silence. */
    notice: (label: string, seen: Observation): void => {
      const before = states.get(label)
      if (!before) return
      noticeSilence(label, seen)
      noticeRemarks(label, seen)
      enter(label, nextPowerState(before, seen, policy))
    },
    /** Looks at the power at once, and then at each change of it. */
    when: (test: PowerTest): PowerWatch => {
      const watch = { test, abort: new AbortController() }
      const reason = test(power)
      if (reason === undefined) watches.add(watch)
      else watch.abort.abort(new Error(reason))
      return { signal: watch.abort.signal, [Symbol.dispose]: () => void watches.delete(watch) }
    },
    /** A person orders everything down, or takes that back. Answers whether it changes anything. */
    order: (at: string | undefined): boolean => {
      if ((remembered.ordered.recall(journal) === undefined) === (at === undefined)) return false
      remembered.ordered.remember(journal, at)
      review()
      void emit({ type: at === undefined ? 'power.order-withdrawn' : 'power.ordered' })
      return true
    },
    /** A person calls off what the UPSes ask for. Answers their labels. */
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
    /** For how long a UPS has been silent, in ms, once that is longer than the policy allows. */
    silentFor: (label: string): number | undefined => {
      const silence = monotonic() - (hearing.get(label)?.lastHeard ?? 0)
      return silence > policy.silence ? silence : undefined
    },
  }
}

export type UpsMonitor = ReturnType<typeof createUpsMonitor>
