import type { Role } from '../cluster/cluster.ts'
import { type PhaseId, phaseIdOfTitle } from '../phase-id.ts'

/**
 * The record of one rollout: the way of a cluster to a release, node by node, with how long everything took. Written
 * on the way, so that a new process knows where the last one was.
 */
export interface Rollout {
  /** ISO 8601: when it started, and its name. */
  readonly id: string
  /** The target release, `v1.13.9`. */
  readonly release: string
  /** ISO 8601. */
  readonly startedAt: string
  /** ISO 8601; absent as long as it is under way. */
  readonly endedAt?: string
  /** `superseded`: another release was wanted before it was done. */
  readonly outcome?: 'done' | 'aborted' | 'superseded'
  /** By the node's name, those that were started. */
  readonly nodes: Readonly<Record<string, RolloutNode>>
  /** The file of the snapshot of etcd that was taken for it. */
  readonly snapshot?: string
}

/** `released`: nothing was changed, and the node was uncordoned. `rolled-back`: it runs `from` again. */
export type NodeOutcome = 'upgraded' | 'failed' | 'released' | 'rolled-back'

/** One node's newest attempt, and what became of those before. */
export interface RolloutNode {
  readonly role: Role
  /** The release that it ran before the first attempt. */
  readonly from: string
  /** ISO 8601, of the newest attempt. */
  readonly startedAt: string
  readonly endedAt?: string
  readonly outcome?: NodeOutcome
  /** Why attempts failed, oldest first. */
  readonly failures: readonly string[]
  /** How long the newest attempt took, in ms; absent as long as it is under way. */
  readonly tookMs?: number
  /** How long each phase of the newest attempt took, in ms. */
  readonly phases: Readonly<Partial<Record<PhaseId, number>>>
}

/** The record is written at each step, so a node that fails for weeks must not make it grow. */
const keptFailures = 10
/** So many nodes say how long the next one will take: enough for a median, few enough to follow a new disk. */
const newest = 10

export function beginRollout(release: string, now: Date): Rollout {
  const startedAt = now.toISOString()
  return { id: startedAt, release, startedAt, nodes: {} }
}

/**
 * The rollout with a node's attempt started. An attempt that has not ended continues, as after a restart of the agent;
 * otherwise a new one starts, with its own phases.
 */
export function withNodeStarted(
  rollout: Rollout,
  { name, role, from }: { readonly name: string; readonly role: Role; readonly from: string },
  now: Date,
): Rollout {
  const before = nodeOf(rollout, name)
  if (before && before.endedAt === undefined) return rollout
  return withNode(rollout, name, {
    role,
    // An attempt that failed late leaves a node that runs the new release already.
    from: before?.from ?? from,
    startedAt: now.toISOString(),
    failures: before?.failures ?? [],
    phases: {},
  })
}

/** The rollout with a phase's time, in ms, added to what it took before. A node that was not started is left out. */
export function withPhase(rollout: Rollout, node: string, phase: PhaseId, ms: number): Rollout {
  const before = nodeOf(rollout, node)
  if (!before) return rollout
  const soFar = before.phases[phase] ?? 0
  return withNode(rollout, node, { ...before, phases: { ...before.phases, [phase]: soFar + ms } })
}

/** The rollout with a node's attempt ended, and why it failed where it did. A node that was not started is left out. */
export function withNodeEnded(
  rollout: Rollout,
  node: string,
  { outcome, failure }: { readonly outcome: NodeOutcome; readonly failure?: string },
  now: Date,
): Rollout {
  const before = nodeOf(rollout, node)
  if (!before) return rollout
  return withNode(rollout, node, {
    ...before,
    outcome,
    endedAt: now.toISOString(),
    // The clock may be set at any time.
    tookMs: Math.max(0, now.getTime() - Date.parse(before.startedAt)),
    failures: failure === undefined ? before.failures : [...before.failures, failure].slice(-keptFailures),
  })
}

/** The rollout with its end. One that has ended stays as it is. */
export function endRollout(rollout: Rollout, outcome: NonNullable<Rollout['outcome']>, now: Date): Rollout {
  return rollout.endedAt === undefined ? { ...rollout, outcome, endedAt: now.toISOString() } : rollout
}

/** A rollout as 0.1.0 wrote it: its phases by their titles, and nodes that were `given-back`. */
export type FormerRollout = Omit<Rollout, 'nodes'> & {
  readonly nodes: Readonly<
    Record<
      string,
      Omit<RolloutNode, 'outcome' | 'phases'> & {
        readonly outcome?: NodeOutcome | 'given-back'
        readonly phases: Readonly<Record<string, number>>
      }
    >
  >
}

/** The same rollout in today's words. One that is in them already stays as it is. */
export function fromFormerRollout(former: FormerRollout): Rollout {
  const nodes = Object.entries(former.nodes).map(([name, { outcome, phases, ...rest }]): [string, RolloutNode] => {
    const times: Partial<Record<PhaseId, number>> = {}
    for (const [title, ms] of Object.entries(phases)) {
      const id = phaseIdOfTitle(title)
      if (id !== undefined) times[id] = (times[id] ?? 0) + ms
    }
    const ended = outcome === undefined ? {} : { outcome: outcome === 'given-back' ? ('released' as const) : outcome }
    return [name, { ...rest, ...ended, phases: times }]
  })
  return { ...former, nodes: Object.fromEntries(nodes) }
}

/** How long nodes of one role have taken, in ms, and of how many that is known. */
export interface NodeTimes {
  readonly typical: number
  readonly longest: number
  readonly samples: number
}

/**
 * How long a node of that role takes, in ms: median and maximum of the ten that were upgraded last, each by the attempt
 * that succeeded. Undefined where none has been upgraded yet.
 */
export function nodeTimes(rollouts: readonly Rollout[], role: Role): NodeTimes | undefined {
  const times = rollouts
    .flatMap(({ nodes }) => Object.values(nodes))
    .filter((node) => node.role === role && node.outcome === 'upgraded' && node.tookMs !== undefined)
    .sort((a, b) => Date.parse(b.endedAt ?? b.startedAt) - Date.parse(a.endedAt ?? a.startedAt))
    .slice(0, newest)
    .map(({ tookMs }) => tookMs!)
    .sort((a, b) => a - b)
  if (times.length === 0) return undefined
  const below = times[Math.floor((times.length - 1) / 2)]!
  const above = times[Math.ceil((times.length - 1) / 2)]!
  return { typical: Math.round((below + above) / 2), longest: times.at(-1)!, samples: times.length }
}

/** A node may be named `constructor`. */
function nodeOf(rollout: Rollout, name: string): RolloutNode | undefined {
  return Object.hasOwn(rollout.nodes, name) ? rollout.nodes[name] : undefined
}

function withNode(rollout: Rollout, name: string, node: RolloutNode): Rollout {
  return { ...rollout, nodes: { ...rollout.nodes, [name]: node } }
}
