import type { Cluster } from '../core/cluster/cluster.ts'
import { doctorReport } from '../core/doctor/report-shape.ts'
import type { InstalledNode } from '../core/netboot/machines.ts'
import { drillReport, drillRequest } from '../core/power/drill-shape.ts'
import type { NamedMachine } from '../core/power/renames.ts'
import { registrationShape } from '../core/release/registration.ts'
import { registeredSchematic } from '../core/release/schematic-shape.ts'
import type { RollbackRequest } from '../core/upgrade/gates.ts'
import type { Journal } from '../core/journal.ts'
import { factKind } from '../core/records.ts'
import { count, flag, instant, listOf, mapOf, object, optional, type Shape, text, time } from '../core/shape.ts'
import { movementOf } from '../core/release/left-behind.ts'
import { believedClock, type Timekeeper } from './timekeeper.ts'
import { decideFirst, type FirstReason } from '../core/release/first.ts'
import { decideTarget, type TargetDecision } from '../core/release/target.ts'
import type { ReleasePolicy } from '../core/release/policy.ts'
import type { Hold } from '../core/release/publication.ts'

/** A fact that the journal keeps for us, with its type. */
interface Remembered<T> {
  recall(journal: Journal): T | undefined
  remember(journal: Journal, value: T | undefined): void
}

function fact<T>(name: string, parse: Shape<T>): Remembered<T> {
  const kind = factKind(name, parse)
  return {
    recall: (journal) => journal.records(kind).get(''),
    remember: (journal, value) => {
      const records = journal.records(kind)
      if (value === undefined) records.remove('')
      else records.save(value)
    },
  }
}

/** Who has requested something, `admin@nas (unverified)`, and when, ISO 8601. */
export interface Origin {
  readonly by: string
  readonly at: string
}

/** That a machine is to boot from the network once more: until then, ISO 8601. */
export interface Armed extends Origin {
  readonly until: string
}

const origin = object<Origin>({ by: text, at: time })

/**
 * In ms: when a job that needs to know what the nodes run looks again where none has answered. A node that never fell
 * silent does not return: a first look at a busy moment may have missed them all.
 */
export const nodesAskedAgainAfter = 120_000

/** What the agent remembers between runs and can't observe. Losing any of it costs time, and nothing else. */
export const remembered = {
  /** What the Factory offered last. */
  versions: fact('factory.versions', listOf(text)),
  /** What the Factory marks as withdrawn, as it said last. */
  withdrawn: fact('factory.withdrawn', listOf(text)),
  /** Releases that it offered once and that are on neither list now, of those that matter to this homelab. */
  vanished: fact('factory.vanished', listOf(text)),
  /** The release that was decided on last: what is staged, and rolled out. */
  target: fact('release.target', text),
  /** The release that is the target, or waits or soaks to become it, as the last look at releases found it. */
  coming: fact('release.coming', text),
  /** What the last look at releases came to, as a sentence. */
  news: fact('release.news', text),
  /** By our own id of a schematic, what the Factory calls it, and where nodes' installers of it are. */
  registrations: fact('factory.schematics', mapOf(registrationShape)),
  /** Schematics as they were last in force, by name. */
  schematics: fact('schematics', mapOf(registeredSchematic)),
  /** Releases that a person asked to be staged. */
  stagingRequests: fact('stage.requests', listOf(text)),
  /** By the image's name: a person has taken its name back, and to what. */
  holds: fact(
    'stage.holds',
    mapOf(object<Hold>({ from: text, fromSchematic: optional(text), version: text, schematic: text })),
  ),
  /** By the image's name, why its name does not serve the target release, as the last staging found. */
  imageNotes: fact('stage.notes', mapOf(text)),
  /** How many names were published in which directory, when that was last seen well. */
  shareUsed: fact(
    'share.used',
    object<{ readonly directory: string; readonly names: number }>({ directory: text, names: count }),
  ),
  /** A person wants everything on the share as it should be: empty though it was in use, and changed by others. */
  shareAccepted: fact('share.accepted', flag),
  /** The last staging failed because of the share in this directory; in bytes, what must be free there, where that is known. */
  shareWaits: fact(
    'share.waits',
    object<{ readonly directory: string; readonly needed?: number | undefined }>({
      directory: text,
      needed: optional(count),
    }),
  ),
  /** What each node ran when it answered last, by its name. */
  ran: fact(
    'nodes.ran',
    mapOf(
      object<{ readonly version: string; readonly schematic?: string }>({ version: text, schematic: optional(text) }),
    ),
  ),
  /** Why a person has stopped rollouts. */
  paused: fact('rollout.paused', text),
  pausedBy: fact('rollout.pausedBy', origin),
  /** The release that a person has approved last. */
  approved: fact('rollout.approved', text),
  /** What a person has agreed to lose with a release: extensions, kernel arguments, … by name. */
  losses: fact(
    'rollout.losses',
    object<{ readonly release: string; readonly names: readonly string[] }>({ release: text, names: listOf(text) }),
  ),
  /** Until when a person has opened a window manually, in ms since the epoch. */
  openUntil: fact('rollout.openUntil', instant),
  /** What the upgrade waits for, as its last run found it: a gate; `node` for one that is under way, `stuck` for a person. */
  waitsAt: fact('rollout.waitsAt', text),
  /** The release that the upgrade looked at last: what alerts on the rollout are about. */
  lookedAt: fact('rollout.lookedAt', text),
  /** Releases whose rollouts a person has aborted, oldest first. Earlier records have one release alone. */
  aborted: fact('rollout.aborted', (value): readonly string[] =>
    typeof value === 'string' ? [value] : listOf(text)(value),
  ),
  /** Who has aborted them, by release. */
  abortedBy: fact('rollout.abortedBy', mapOf(origin)),
  rollbacks: fact(
    'rollout.rollbacks',
    listOf(object<RollbackRequest>({ node: text, bootId: text, force: flag, to: optional(text) })),
  ),
  /** Nodes whose drain was refused, by name: until when they are left alone, in ms since the epoch, and why. */
  blocked: fact(
    'rollout.blocked',
    mapOf(object<{ readonly until: number; readonly why: string }>({ until: instant, why: text })),
  ),
  /** What an open window waited for when it was last looked at, and when it closes, in ms since the epoch. */
  windowWaits: fact(
    'rollout.windowWaits',
    object<{ readonly closesAt: number; readonly reason: string }>({ closesAt: instant, reason: text }),
  ),
  /** When a person has ordered everything to be shut down, ISO 8601: it stays down until someone wakes it. */
  ordered: fact('power.ordered', time),
  /** A person has requested to wake everything without waiting for the battery or for stable mains power. */
  wakeNow: fact('power.wakeNow', flag),
  /** The machines as they were configured at the last start: one that is renamed during an outage is still the same. */
  machines: fact('power.machines', listOf(object<NamedMachine>({ name: text, address: text, macs: listOf(text) }))),
  /** What the last rehearsal of a power cut came to. */
  drill: fact('power.drill', drillReport),
  /** A person wants one. `until`: no further than this phase. */
  drillRequest: fact('power.drillRequest', drillRequest),
  /** A person has cancelled the rehearsal that runs. */
  drillCancelled: fact('power.drillCancelled', flag),
  /** When records were lost with a damaged journal, ISO 8601, and why: an outage may have been among them. */
  lost: fact('journal.lost', object<{ readonly at: string; readonly why: string }>({ at: time, why: text })),
  /** Since when each channel of notifications is there, by name, ISO 8601. */
  channels: fact('notifications.channels', mapOf(time)),
  /** What the last whole examination of the homelab came to. */
  examined: fact('doctor.report', doctorReport),
  /** Machines that a person wants to boot from the network once more, by name or MAC address. */
  netbootArmed: fact('netboot.armed', mapOf(object<Armed>({ at: time, by: text, until: time }))),
  /** When a machine has booted from the network last, where that counts, by name or MAC address. */
  netbootUsed: fact('netboot.used', mapOf(time)),
  /** Since when the end of an image is on its way to a machine for which that counts, by name or MAC address. */
  netbootEnding: fact('netboot.ending', mapOf(time)),
  /** Nodes that were seen to run from their own disks, by name. */
  netbootInstalled: fact('netboot.installed', mapOf(object<InstalledNode>({ uuid: optional(text) }))),
  /** The name by which this agent holds the cluster's Lease. */
  agentId: fact('agent.id', text),
}

/** Removes the rollback requests of these nodes. Returns those that are left. */
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
  /** Whose word on time is taken; `now` is believed unless there is one. */
  readonly clock?: Pick<Timekeeper, 'whyUntrusted' | 'firstSeen'>
}

/** In ms: nodes that answer nothing for so long from the first look on are not there yet, and wait for what they boot first. */
const bornWithin = 600_000

/** Whether no node of the configuration has ever answered, although there was time enough. */
export function areUnborn(journal: Journal, { now, clock = believedClock }: Pick<Moment, 'now' | 'clock'>): boolean {
  if (Object.keys(remembered.ran.recall(journal) ?? {}).length > 0) return false
  const seen = clock.firstSeen(journal, remembered.versions.recall(journal) ?? [], now).values()
  return now.getTime() - Math.min(now.getTime(), ...seen) >= bornWithin
}

/** The release that machines boot first where nothing runs yet, from what is remembered. */
export function chooseFirst(
  journal: Journal,
  policy: ReleasePolicy,
  { now, clock = believedClock, why }: Pick<Moment, 'now' | 'clock'> & { readonly why: FirstReason },
): TargetDecision {
  const available = remembered.versions.recall(journal) ?? []
  const withdrawn = remembered.withdrawn.recall(journal) ?? []
  const firstSeen = clock.firstSeen(journal, available, now)
  return decideFirst({ available, withdrawn, firstSeen, now: now.getTime() }, policy, why)
}

/** The target release, from what is observed and remembered. */
export function chooseTarget(
  cluster: Cluster,
  journal: Journal,
  policy: ReleasePolicy,
  { now, ownNode, clock = believedClock }: Moment,
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
      firstSeen: clock.firstSeen(journal, available, now),
      clockFault: clock.whyUntrusted(),
      underWay,
      kubernetes: cluster.kubernetes.ok ? cluster.kubernetes.value : undefined,
      now: now.getTime(),
    },
    policy,
  )
}
