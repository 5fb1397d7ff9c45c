import { counted, listed } from '../count.ts'
import { describeDuration } from '../duration.ts'
import type { PhaseId } from '../phase-id.ts'
import type { Outage, OutageNode } from '../power/outage.ts'
import { summarize } from '../power/summary.ts'
import type { Rollout, RolloutNode } from '../upgrade/record.ts'
import { english } from '../wording.ts'
import { composeNote, type Voice } from './compose.ts'
import type { Message } from './message.ts'
import { threadOf } from './thread.ts'

/** So many phases of a node are named: those that took longest. */
const namedPhases = 3

/** What a rollout came to, node by node, once it is over; undefined as long as it is not, and where nothing was done. */
export function composeRolloutDigest(rollout: Rollout, voice: Voice): Message | undefined {
  const { id, release, startedAt, endedAt, outcome } = rollout
  const nodes = Object.entries(rollout.nodes)
  if (endedAt === undefined || nodes.length === 0) return undefined
  const upgraded = nodes.filter(([, node]) => node.outcome === 'upgraded').map(([name]) => name)
  const others = nodes.filter(([, node]) => node.outcome !== 'upgraded').map(([name]) => name)
  const took = describeDuration(span(startedAt, endedAt))
  const ends = { done: 'is complete', aborted: 'was aborted', superseded: 'was superseded by another release' }
  const headline = `the rollout of ${release} ${ends[outcome ?? 'done']}: ${counted(upgraded.length, 'node')} upgraded in ${took}`
  const left = others.length === 0 ? '' : `; ${listed(others)} not`
  const note = {
    topic: 'digest.rollout',
    subject: release,
    about: id,
    headline,
    text: `${headline}${left}`,
    details: nodes.map(([name, node]) => describeNode(name, node)),
  }
  return { ...composeNote(note, voice, endedAt), ...named(threadOf('rollout', id)) }
}

function describeNode(name: string, { from, outcome, tookMs, phases, failures }: RolloutNode): string {
  const slowest = (Object.entries(phases) as [PhaseId, number][])
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, namedPhases)
    .map(([phase, ms]) => `${english.titleOf(phase)} ${describeDuration(ms)}`)
  const result = {
    upgraded: `upgraded from ${from}`,
    failed: 'failed',
    released: 'left as it was',
    'rolled-back': `rolled back to ${from}`,
  }
  const said = outcome === undefined ? 'not finished' : result[outcome]
  const time = tookMs === undefined ? '' : ` in ${describeDuration(tookMs)}`
  const parts = slowest.length === 0 ? '' : ` (${slowest.join(', ')})`
  const why = failures.length === 0 ? '' : `; ${counted(failures.length, 'failed attempt')}: ${failures.at(-1)}`
  return `${name}: ${said}${time}${parts}${why}`
}

/** Whether people hear of an outage that is over: a rehearsal answers whoever requested it. */
export function isWorthSending({ stage, reason }: Outage): boolean {
  return stage === 'over' && reason !== 'drill'
}

/** What an outage came to, machine by machine, once it is over. */
export function composeOutageDigest(outage: Outage, voice: Voice): Message | undefined {
  const { startedAt, endedAt, nodes } = outage
  if (endedAt === undefined) return undefined
  const text = summarize(outage)
  const note = {
    topic: 'digest.outage',
    subject: 'power',
    about: startedAt,
    headline: text,
    text,
    details: Object.entries(nodes).map(([name, node]) => describeMachine(name, node)),
  }
  return { ...composeNote(note, voice, endedAt), ...named(threadOf('outage', startedAt)) }
}

function describeMachine(name: string, { state, wasUp, at = {} }: OutageNode): string {
  const took = (from: OutageNode['state'], to: OutageNode['state'], words: string) => {
    const ms = Date.parse(at[to] ?? '') - Date.parse(at[from] ?? '')
    return ms >= 0 ? [`${words} ${describeDuration(ms)}`] : []
  }
  const times = [
    ...took('shutdown-sent', 'off', 'stopped in'),
    ...took('off', 'wake-sent', 'was off for'),
    ...took('wake-sent', 'back', 'came back in'),
  ]
  if (times.length > 0) return `${name}: ${times.join(', ')}`
  const said = {
    up: 'kept running',
    drained: 'drained, and kept running',
    'shutdown-sent': 'was requested to shut down',
    unreached: 'could not be reached',
    off: 'is off',
    abandoned: 'did not stop in time',
    'wake-sent': 'is being woken',
    back: 'is back',
  }[state]
  return `${name}: ${wasUp ? said : 'was off before'}`
}

const named = (thread: string) => ({ thread, id: `${thread}-0` })

const span = (from: string, to: string) => Math.max(0, Date.parse(to) - Date.parse(from))
