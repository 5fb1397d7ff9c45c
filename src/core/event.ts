import { counted } from './count.ts'
import { assertNever } from './errors.ts'
import { forcedWords, latchedWords } from './power/forced.ts'
import type { PowerState } from './power/state.ts'
import type { CriticalReason, OutageReason } from './power/triggers.ts'

/**
 * An event is a fact about the outside world, in the past tense. It says "look again", never "do this": a job that an
 * event wakes looks at the homelab for itself, so a lost, late or repeated event does no harm.
 */
export type Event =
  | { type: 'agent.started' }
  | { type: 'release.published'; version: string }
  | { type: 'schematic.changed'; schematic: string }
  | { type: 'image.staged'; version: string; schematic: string }
  /** Something else has changed what machines boot. */
  | { type: 'share.changed'; file: string }
  /** The share is back, or takes again what it had refused. */
  | { type: 'share.returned' }
  | { type: 'node.returned'; node: string }
  | { type: 'node.lost'; node: string }
  | { type: 'node.upgraded'; node: string; version: string }
  | { type: 'rollout.started'; version: string }
  | { type: 'rollout.finished'; version: string }
  /** The rollout continues only when a person helps. */
  | { type: 'rollout.stuck'; node: string; reason: string }
  | { type: 'approval.needed'; version: string }
  /** A window closed with nodes left to upgrade. */
  | { type: 'window.missed'; nodes: number; reason: string }
  | { type: 'power.on-mains'; ups: string }
  | { type: 'power.on-battery'; ups: string }
  | { type: 'power.critical'; ups: string; reason: CriticalReason }
  /** A forced shutdown on mains power that nothing has confirmed. */
  | { type: 'power.forced'; ups: string }
  | { type: 'power.latched'; ups: string }
  /** A person requests a shutdown, or cancels it. */
  | { type: 'power.ordered' }
  | { type: 'power.order-withdrawn' }
  /** A rehearsal has left something to be undone. */
  | { type: 'drill.ended' }
  | { type: 'ups.silent'; ups: string }
  | { type: 'ups.heard'; ups: string }
  | { type: 'cluster.stopped' }
  /** Everything is as it was before the outage; the summary says how long each part took. */
  | { type: 'cluster.woken'; summary: string }

export type EventType = Event['type']

/** The event as a sentence for the journal. */
export function describeEvent(event: Event): string {
  switch (event.type) {
    case 'agent.started':
      return 'the agent is running'
    case 'release.published':
      return `${event.version} is now the target release`
    case 'schematic.changed':
      return `the schematic ${event.schematic} was edited`
    case 'image.staged':
      return `${event.version} is staged on the share`
    case 'share.changed':
      return `${event.file} on the share was changed by something else`
    case 'share.returned':
      return 'the share can be written again'
    case 'node.returned':
      return `${event.node} answers`
    case 'node.lost':
      return `${event.node} no longer answers`
    case 'node.upgraded':
      return `${event.node} runs ${event.version}`
    case 'rollout.started':
      return `the rollout of ${event.version} starts`
    case 'rollout.finished':
      return `the rollout of ${event.version} is complete`
    case 'rollout.stuck':
      return `the rollout is stuck: ${event.reason}`
    case 'approval.needed':
      return `${event.version} waits for approval: approve it with \`caretaker approve ${event.version}\``
    case 'window.missed':
      return `the window closed with ${counted(event.nodes, 'node')} left to upgrade, because ${event.reason}; continue outside of windows with \`caretaker run-now\``
    case 'power.on-mains':
      return `${event.ups} is on mains power`
    case 'power.on-battery':
      return `${event.ups} is on battery`
    case 'power.critical':
      return `${event.ups} is critical: ${describeReason(event.reason)}`
    case 'power.forced':
      return `${event.ups} ${forcedWords}`
    case 'power.latched':
      return `${event.ups} ${latchedWords}`
    case 'power.ordered':
      return 'a shutdown of the cluster was requested'
    case 'drill.ended':
      return 'the rehearsal is over, but not everything is undone yet'
    case 'power.order-withdrawn':
      return 'the shutdown request was cancelled'
    case 'ups.silent':
      return `${event.ups} is silent`
    case 'ups.heard':
      return `${event.ups} answers again`
    case 'cluster.stopped':
      return 'shutdown requested for every machine'
    case 'cluster.woken':
      return event.summary
    default:
      return event satisfies never
  }
}

/** What an event is about: a node, a UPS, a release, a schematic, the agent, or the cluster. */
export function subjectOf(event: Event): string {
  if ('node' in event) return event.node
  if ('ups' in event) return event.ups
  if ('version' in event) return event.version
  if ('schematic' in event) return event.schematic
  if (event.type.startsWith('share.')) return 'share'
  return event.type === 'agent.started' ? 'agent' : 'cluster'
}

/** Why the UPS counts as critical, in words that fit after "because". */
export function describeReason(reason: OutageReason): string {
  switch (reason) {
    case 'forced-shutdown':
      return 'the UPS server requests a forced shutdown (FSD)'
    case 'low-battery':
      return 'the battery is low (OB LB)'
    case 'low-charge':
      return 'the charge is below the minimum'
    case 'low-runtime':
      return 'the remaining runtime is needed for the shutdown'
    case 'fast-depletion':
      return 'the charge falls faster than the policy allows'
    case 'ordered':
      return 'a person requested it'
    case 'drill':
      return 'it is a rehearsal'
    case 'restored':
      return 'its record was lost, and rebuilt from the marks on the nodes'
    case 'on-battery':
      return 'mains power failed'
    case 'on-battery-too-long':
      return 'it was on battery for longer than the policy allows'
    case 'silent-on-battery':
      return 'it went silent while on battery'
    case 'outage-resumed':
      return 'an outage was under way when the agent stopped, and power is not back'
    default:
      return reason satisfies never
  }
}

/** The event when the power enters this state; none for `unknown`. */
export function powerEvent(ups: string, state: PowerState): Event | undefined {
  switch (state.mode) {
    case 'unknown':
      return undefined
    case 'on-mains':
      return { type: 'power.on-mains', ups }
    case 'on-battery':
      return { type: 'power.on-battery', ups }
    case 'critical':
      return { type: 'power.critical', ups, reason: state.reason }
    case 'forced':
      return { type: 'power.forced', ups }
    case 'latched':
      return { type: 'power.latched', ups }
    default:
      return assertNever(state)
  }
}
