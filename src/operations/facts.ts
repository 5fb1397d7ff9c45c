import type { Cluster } from '../core/cluster/cluster.ts'
import type { DrillReport } from '../core/power/drill.ts'
import type { RegisteredSchematic } from '../core/release/schematic.ts'
import type { RollbackRequest } from '../core/upgrade/gates.ts'
import type { Journal } from '../core/journal.ts'
import { movementOf } from '../core/release/left-behind.ts'
import { decideFirst } from '../core/release/first.ts'
import type { ReversiblePhase } from '../core/power/phases.ts'
import { decideTarget, type TargetDecision } from '../core/release/target.ts'
import type { ReleasePolicy } from '../core/release/policy.ts'

/** A fact that the journal keeps for us, with its type. */
interface Remembered<T> {
  recall(journal: Journal): T | undefined
  remember(journal: Journal, value: T | undefined): void
}

function remember<T>(key: string): Remembered<T> {
  return {
    recall: (journal) => journal.recall<T>(key),
    remember: (journal, value) => journal.remember(key, value),
  }
}

/** What the agent remembers between runs beside what it can look at. Losing any of it costs time, and nothing else. */
export const remembered = {
  /** What the Factory offered last. */
  versions: remember<readonly string[]>('factory.versions'),
  /** What the Factory marks as withdrawn, as it said last. */
  withdrawn: remember<readonly string[]>('factory.withdrawn'),
  /** Releases that it offered once and that are on neither list now, of those that matter to this homelab. */
  vanished: remember<readonly string[]>('factory.vanished'),
  /** The release that was decided on last: what is staged, and rolled out. */
  target: remember<string>('release.target'),
  /** What the last look at releases came to, as a sentence. */
  news: remember<string>('release.news'),
  /** By our own id of a schematic, the id that the Factory gave it. */
  schematicIds: remember<Readonly<Record<string, string>>>('factory.schematics'),
  /** Schematics as they were last in force, by name. */
  schematics: remember<Readonly<Record<string, RegisteredSchematic>>>('schematics'),
  /** Releases that a person asked to be staged. */
  stagingRequests: remember<readonly string[]>('stage.wishes'),
  /** Why a person has stopped rollouts. */
  paused: remember<string>('rollout.paused'),
  /** The release that a person has approved last. */
  approved: remember<string>('rollout.approved'),
  /** What a person has agreed to lose with a release: extensions, kernel arguments, … by name. */
  losses: remember<{ readonly release: string; readonly names: readonly string[] }>('rollout.losses'),
  /** Until when a person has opened a window by hand, in ms since the epoch. */
  openUntil: remember<number>('rollout.openUntil'),
  /** The release whose rollout a person has called off. */
  aborted: remember<string>('rollout.aborted'),
  rollbacks: remember<readonly RollbackRequest[]>('rollout.rollbacks'),
  /** Nodes whose drain was refused, by name: until when they are left alone, in ms since the epoch, and why. */
  blocked: remember<Readonly<Record<string, { readonly until: number; readonly why: string }>>>('rollout.blocked'),
  /** What an open window waited for when it was last looked at, and when it closes, in ms since the epoch. */
  windowWaits: remember<{ readonly closesAt: number; readonly reason: string }>('rollout.windowWaits'),
  /** When a person has ordered everything to be shut down, ISO 8601: it stays down until somebody wakes it. */
  ordered: remember<string>('power.ordered'),
  /** A person wants what is down back without waiting for the battery, or for mains to be stable. */
  wakeNow: remember<boolean>('power.wakeNow'),
  /** What the last rehearsal of a power cut came to. */
  drill: remember<DrillReport>('power.drill'),
  /** A person wants one. `until`: no further than this phase. */
  drillRequest: remember<{ readonly until?: ReversiblePhase }>('power.drillRequest'),
  /** The name by which this agent holds the cluster's Lease. */
  agentId: remember<string>('agent.id'),
}

/** Takes back what a person wished of these nodes. Answers the requests that are left. */
export function withdrawRollbacks(journal: Journal, nodes: readonly string[]): readonly RollbackRequest[] {
  const left = (remembered.rollbacks.recall(journal) ?? []).filter(({ node }) => !nodes.includes(node))
  remembered.rollbacks.remember(journal, left)
  return left
}

/** When and where a choice is made. */
export interface Moment {
  readonly now: Date
  /** The node that this agent itself runs on. */
  readonly ownNode?: string | undefined
}

/** The release that machines boot first where no node is configured yet, from what is remembered. */
export function chooseFirst(journal: Journal, policy: ReleasePolicy, now: Date): TargetDecision {
  const available = remembered.versions.recall(journal) ?? []
  const withdrawn = remembered.withdrawn.recall(journal) ?? []
  const firstSeen = journal.firstSeen(available, now.getTime())
  return decideFirst({ available, withdrawn, firstSeen, now: now.getTime() }, policy)
}

/** The release to go to, from what is observed and remembered. */
export function chooseTarget(
  cluster: Cluster,
  journal: Journal,
  policy: ReleasePolicy,
  { now, ownNode }: Moment,
): TargetDecision {
  const available = remembered.versions.recall(journal) ?? []
  const { running, left } = movementOf(cluster, ownNode)
  const underWay = journal.openRollout()?.release
  const decidedOn = [remembered.target.recall(journal), underWay]
  return decideTarget(
    {
      available,
      withdrawn: remembered.withdrawn.recall(journal) ?? [],
      vanished: (remembered.vanished.recall(journal) ?? []).filter((version) => decidedOn.includes(version)),
      running,
      leftBehind: left,
      firstSeen: journal.firstSeen(available, now.getTime()),
      underWay,
      kubernetes: cluster.kubernetes.ok ? cluster.kubernetes.value : undefined,
      now: now.getTime(),
    },
    policy,
  )
}
