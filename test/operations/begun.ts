import type { Cluster, Node } from '../../src/core/cluster/cluster.ts'
import type { Power } from '../../src/core/power/feeds.ts'
import type { Machine } from '../../src/core/power/machines.ts'
import type { Plan, Step } from '../../src/core/plan.ts'
import type { Outage, OutageNode } from '../../src/core/power/outage.ts'
import { createAlerts } from '../../src/operations/alerts.ts'
import { beginOrResume } from '../../src/operations/begin-outage.ts'
import { remembered } from '../../src/operations/facts.ts'
import type { JobContext } from '../../src/operations/job.ts'
import { clusterOf } from '../core/cluster/nodes.ts'
import { powerOf, stateOf } from '../core/power/states.ts'
import { machineOf, outline } from '../core/power/shutdowns.ts'
import { memoryJournal } from '../fakes/journal.ts'
import { soon } from '../patience.ts'

/** The first look at an outage, at a homelab that is as a test says. */

export const at = '2026-05-01T03:00:00.000Z'
export const earlier = '2026-05-01T02:40:00.000Z'
/** On the monotonic clock, in ms. */
export const clock = 100_000
const quarter = 15 * 60_000

const feed = { powerValue: { rack: 1 }, minSupplies: 1 }
export const [cp1, w1, w2, nas, pve] = [
  machineOf('cp-1', 'control-planes', 60_000, { feed }),
  machineOf('w-1', 'workers', 60_000, { feed }),
  machineOf('w-2', 'workers', 60_000, { feed }),
  machineOf('nas', 'nas', 60_000, { feed }),
  machineOf('pve', 'hosts', 60_000, { feed }),
] as const

export interface Homelab {
  readonly machines: readonly Machine[]
  /** What an agent before us has left open. */
  readonly open?: Outage
  /** What a look at the cluster finds; by default it finds no node at all. */
  readonly nodes?: readonly Node[]
  /** Hosts that answer, by name. */
  readonly hostsUp?: readonly string[]
  /** Nodes that answered a quarter of an hour ago, by name; others did a moment earlier. */
  readonly recently?: readonly string[]
  readonly power?: Power
  /** The journal was lost. */
  readonly isLost?: true
  /** A person wanted everything to be woken at once. */
  readonly wakeNow?: true
  readonly bootId?: string
  readonly shed?: JobContext['config']['power']['shed']
  readonly storageFlags?: boolean
  readonly kubernetes?: Partial<JobContext['ports']['kubernetes']>
}

/** An outage on record, with machines in these states: up before it, unless said otherwise. */
export function outage(
  states: Readonly<Record<string, OutageNode['state'] | Partial<OutageNode>>>,
  more: Partial<Outage> = {},
): Outage {
  const nodes = Object.entries(states).map(([name, one]): [string, OutageNode] => [
    name,
    { wasUp: true, ...(typeof one === 'string' ? { state: one } : { state: 'up', ...one }) },
  ])
  return { startedAt: earlier, reason: 'low-battery', stage: 'draining', nodes: Object.fromEntries(nodes), ...more }
}

/** The only UPS is critical, and was heard so many ms ago. */
export const heard = (ago: number): Power => powerOf({ rack: stateOf('low-battery', {}, clock - 60_000, clock - ago) })

/** The agent at that homelab. Its looks at nodes last until `see` is called. */
export function agentAt(homelab: Homelab) {
  const { machines, nodes = [], hostsUp = [], recently = [], power = heard(0) } = homelab
  const journal = memoryJournal()
  const now = () => new Date(at)
  const alerts = createAlerts(journal, now)
  if (homelab.open) journal.saveOutage(homelab.open)
  if (homelab.isLost) remembered.lost.remember(journal, { at: earlier, why: 'it was damaged' })
  if (homelab.wakeNow) remembered.wakeNow.remember(journal, true)
  const looked = Promise.withResolvers<void>()
  const agent = new AbortController()
  const looks: (number | undefined)[] = []
  const asked: string[] = []
  const carriedOut: string[] = []
  const steps: Step[] = []
  const context = {
    config: {
      power: { shed: homelab.shed ?? [], storageFlags: homelab.storageFlags ?? false, deadTime: 15_000 },
    },
    machines,
    power,
    alerts,
    now,
    monotonic: () => clock,
    signal: agent.signal,
    bootId: homelab.bootId,
    carryOut: async (plan: Plan) => {
      carriedOut.push(...outline(plan))
      steps.push(...plan.flatMap((phase) => phase.steps))
    },
    answeredWithin: (ms: number) =>
      new Set([...(ms >= quarter ? recently : []), ...(ms > quarter ? machines.map(({ name }) => name) : [])]),
    observe: async (within?: number): Promise<Cluster> => {
      looks.push(within)
      await looked.promise
      return clusterOf(...nodes)
    },
    ports: {
      journal,
      kubernetes: homelab.kubernetes,
      hosts: {
        answers: async (name: string) => {
          asked.push(name)
          await looked.promise
          if (name === 'broken') throw new Error('no route')
          return hostsUp.includes(name)
        },
      },
    },
  } as unknown as JobContext
  return {
    context,
    journal,
    alerts,
    /** How long each look may take, in ms. */
    looks,
    /** Hosts that were asked, by name. */
    asked,
    /** Each phase that was carried out, in a line. */
    carriedOut,
    steps,
    /** What was looked at has answered. */
    see: () => looked.resolve(),
    stop: () => agent.abort(new Error('the agent stops')),
    record: () => journal.openOutage()!,
    lines: () => alerts.all.map(({ id, text }) => `${id}: ${text}`),
    /** Nothing hangs. */
    signal: soon(),
  }
}

/** Each machine of a record in a word or two: `up`, `off, was down`, `up, was ill`. */
export function told({ nodes }: Outage): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(nodes).map(([name, { state, wasUp, wasHealthy }]) => [
      name,
      `${state}${wasUp ? '' : ', was down'}${wasHealthy === false ? ', was ill' : ''}`,
    ]),
  )
}

/** Begins, or resumes, and looks; `meanwhile` happens to the record while the look is under way. */
export async function begins(homelab: Homelab, meanwhile: (outage: Outage) => Outage = (one) => one) {
  const agent = agentAt(homelab)
  const first = beginOrResume(agent.context, 'low-runtime', homelab.machines)
  const before = agent.record()
  agent.journal.saveOutage(meanwhile(before))
  agent.see()
  using begun = await first
  await begun.looked
  const { record, requestedBefore } = begun
  return { ...agent, before, after: record.current, requestedBefore: [...requestedBefore] }
}
