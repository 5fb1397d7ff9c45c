import type { Cluster } from '../core/cluster/cluster.ts'
import type { Journal, Run } from '../core/journal.ts'
import { lasting } from '../core/lasting.ts'
import type { PowerRequests, StatusAnswer } from '../core/operator.ts'
import { describeLeftBehind, type Movement, movementOf } from '../core/release/left-behind.ts'
import { describeLagging } from '../core/upgrade/lagging.ts'
import { type Image, imagesOf, type ImageStatus, isNameOf, type StagedImage } from '../core/release/image.ts'
import { compareVersions } from '../core/version.ts'
import type { ServiceStatus } from '../core/service.ts'
import { abortsIn } from './aborts.ts'
import { remembered } from './facts.ts'
import { pauseIn } from './pause.ts'
import type { QueueMeans } from './job-requests.ts'
import type { RecentLook, Seen } from './recent-look.ts'
import { findJob } from './running-agent.ts'

/** What the daemon knows of itself. */
export interface About {
  readonly version: string
  readonly pid: number
  readonly startedAt: Date
  services(): readonly ServiceStatus[]
  /** What is missing for more, and how to provide it, a sentence each. */
  missing(): readonly string[]
  /** What is wrong with the configuration file, or which changes need a restart. */
  configuration(): string | undefined
}

export interface StatusMeans extends QueueMeans {
  readonly about: About
  /** What was seen of the cluster last. */
  readonly seen: RecentLook<Cluster>
  /** What was seen on the share last. */
  readonly staged: RecentLook<readonly StagedImage[]>
}

/** How old what is told of the cluster may be: seconds, or as it is known without waiting for a look. */
export type Freshness = 'recent' | 'known' | 'followed'

/** What the homelab and the agent are at. */
export async function readStatus(
  { agent, ports, about, seen, staged, config, queue: { counts } }: StatusMeans,
  power: Pick<PowerRequests, 'state'>,
  freshness: Freshness,
  signal: AbortSignal,
): Promise<StatusAnswer> {
  const { journal } = ports
  const { ownNode } = agent.preview(findJob(agent, 'upgrade-node'), signal)
  const [looked, { value: images }, queue] = await Promise.all([
    seen[freshness](signal),
    staged.recent(signal),
    counts(),
  ])
  const upgrade = journal.runs(100).find(({ job }) => job === 'upgrade-node')
  return {
    version: about.version,
    pid: about.pid,
    startedAt: about.startedAt.toISOString(),
    cluster: shownOf(looked),
    power: power.state(),
    target: remembered.target.recall(journal),
    news: remembered.news.recall(journal),
    leftBehind: describeBehind(looked.value, journal, ownNode),
    leaseHolder: agent.leaseHolder,
    activities: agent.activities,
    alerts: { open: agent.alerts.all.length, worst: agent.alerts.all[0] },
    outage: journal.openOutage(),
    paused: pauseIn(journal),
    waiting: upgrade && whyNotDone(upgrade),
    published: images.find((image) => image.published),
    images: describeImages(imagesOf(config()), images, journal),
    queue,
    services: about.services(),
    missing: about.missing(),
    configuration: about.configuration(),
    journalDegraded: journal.degraded,
  }
}

/** The cluster of each look as `GET /status` shows it: many ask between two looks. */
const shown = new WeakMap<Seen<Cluster>, StatusAnswer['cluster']>()

function shownOf(seen: Seen<Cluster>): StatusAnswer['cluster'] {
  const known = shown.get(seen)
  if (known) return known
  const cluster = lasting({ ...seen.value, observedAt: seen.at.toISOString() })
  shown.set(seen, cluster)
  return cluster
}

/** What machines boot, as the share was seen last. */
function describeImages(
  images: readonly Image[],
  staged: readonly StagedImage[],
  journal: Journal,
): readonly ImageStatus[] {
  const notes = remembered.imageNotes.recall(journal) ?? {}
  return images.map((image) => ({
    name: image.name,
    file: image.file,
    published: staged
      .filter(({ publishedAs }) => publishedAs.some((file) => isNameOf(image, file)))
      .toSorted((a, b) => compareVersions(b.version, a.version))[0],
    note: notes[image.name],
  }))
}

/** Who continues and who stays, as the last look at a cluster found it. */
const movements = new WeakMap<Cluster, { readonly ownNode: string | undefined; readonly movement: Movement }>()

function movementIn(cluster: Cluster, ownNode: string | undefined): Movement {
  const known = movements.get(cluster)
  if (known && known.ownNode === ownNode) return known.movement
  const movement = movementOf(cluster, ownNode)
  movements.set(cluster, { ownNode, movement })
  return movement
}

/** Nodes that are behind the others or the target, and why. */
function describeBehind(cluster: Cluster, journal: Journal, ownNode: string | undefined): readonly string[] {
  const movement = movementIn(cluster, ownNode)
  const target = remembered.target.recall(journal)
  const lagging = describeLagging(cluster, target ?? remembered.coming.recall(journal), {
    aborted: abortsIn(journal),
    rollouts: () => journal.rollouts(20),
    explained: new Set(movement.left.map(({ node }) => node)),
  })
  return [...describeLeftBehind(movement, target), ...lagging]
}

/** What a run of the upgrade waits for, failed of, or is stuck at; undefined while it runs, and where all is done. */
function whyNotDone({ outcome, detail }: Run): string | undefined {
  if (outcome === undefined || outcome === 'done') return undefined
  return outcome === 'stuck' ? `stuck: ${detail}` : detail
}
