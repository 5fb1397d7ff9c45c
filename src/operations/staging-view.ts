import type { Config } from '../config/config.ts'
import type { Cluster } from '../core/cluster/cluster.ts'
import { AgentError } from '../core/errors.ts'
import type { Journal } from '../core/journal.ts'
import { imagesOf } from '../core/release/image.ts'
import type { PublishedName } from '../core/release/published.ts'
import { emptyWords } from '../core/release/share-health.ts'
import type { RetentionView } from '../core/release/retention.ts'
import { kernelArgumentsOf, type RegisteredSchematic } from '../core/release/schematic.ts'
import type { StagingView, WantedImage } from '../core/release/staging.ts'
import type { StagedImage } from '../core/release/image.ts'
import { turnOf } from '../core/upgrade/network-boot.ts'
import { isOfficial } from '../core/version.ts'
import { remembered } from './facts.ts'

/** What is known besides what the share holds. */
export interface StagingFacts {
  readonly config: Config
  readonly journal: Journal
  readonly schematics: ReadonlyMap<string, RegisteredSchematic>
  readonly cluster: Cluster
}

/** What the share holds. */
export interface ShareContents {
  readonly staged: readonly StagedImage[]
  readonly names: readonly PublishedName[]
}

/** The images of the configuration, as the Factory knows their schematics; those that it does not know yet are left out. */
export function wantedImages({ config, journal, schematics }: Omit<StagingFacts, 'cluster'>): readonly WantedImage[] {
  const registrations = remembered.registrations.recall(journal) ?? {}
  return imagesOf(config).flatMap((image) => {
    const own = schematics.get(image.schematic)
    const schematicId = own && registrations[own.id]?.id
    return schematicId === undefined
      ? []
      : [{ ...image, schematicId, kernelArguments: kernelArgumentsOf(own!.schematic) }]
  })
}

/** Everything that decides over what is staged and published. */
export function stagingView(facts: StagingFacts, { staged, names }: ShareContents): StagingView {
  const { journal, cluster } = facts
  const silent = cluster.nodes.flatMap(({ name, talos }) => (talos.ok ? [] : [name]))
  const ran = remembered.ran.recall(journal) ?? {}
  return {
    images: wantedImages(facts),
    target: remembered.target.recall(journal),
    hasNodes: cluster.nodes.length > 0,
    running: cluster.nodes.flatMap(({ talos }) => (talos.ok ? [talos.value.version] : [])),
    silent,
    ran: silent.flatMap((name) => ran[name]?.version ?? []),
    offered: remembered.versions.recall(journal) ?? [],
    withdrawn: remembered.withdrawn.recall(journal) ?? [],
    requests: remembered.stagingRequests.recall(journal) ?? [],
    holds: remembered.holds.recall(journal) ?? {},
    turns: new Map(
      cluster.nodes.flatMap((node) => {
        const turn = turnOf(node, ran[node.name])
        return turn ? [[node.name, turn] as const] : []
      }),
    ),
    staged,
    names,
  }
}

/**
 * What nodes run, ran when they were heard last, or may go back to: to what they ran before the newest rollouts. Notes
 * what they run now.
 */
export function releasesInUse({ journal, cluster }: Pick<StagingFacts, 'journal' | 'cluster'>): RetentionView['inUse'] {
  const before = remembered.ran.recall(journal) ?? {}
  const ran = Object.fromEntries(
    cluster.nodes.flatMap(({ name, talos }) => {
      if (!talos.ok) return before[name] ? [[name, before[name]]] : []
      const { version, schematic } = talos.value
      return [[name, { version, ...(schematic === undefined ? {} : { schematic }) }]]
    }),
  )
  remembered.ran.remember(journal, ran)
  const goesBack = journal.rollouts(2).flatMap(({ nodes }) => Object.values(nodes).map(({ from }) => from))
  return [
    ...Object.values(ran).map(({ version, schematic }) => ({ version, schematic })),
    ...goesBack.filter(isOfficial).map((version) => ({ version, schematic: undefined })),
  ]
}

/**
 * A share that was in use and is empty now is most likely not mounted: what is written there would fill the disk below
 * it, and vanish under the mount.
 *
 * @throws AgentError `misconfigured`
 */
export function demandMounted(
  { config, journal }: Pick<StagingFacts, 'config' | 'journal'>,
  contents: ShareContents,
): void {
  const { directory } = config.share
  const used = remembered.shareUsed.recall(journal)
  const isEmpty = contents.staged.length === 0 && contents.names.length === 0
  if (isEmpty && used?.directory === directory && used.names > 0 && remembered.shareAccepted.recall(journal) !== true)
    throw new AgentError('misconfigured', emptyWords(directory, used.names))
}

/** Notes that the share is the one that it was. */
export function noteUsed(
  { config, journal }: Pick<StagingFacts, 'config' | 'journal'>,
  { names }: ShareContents,
): void {
  if (names.length === 0) return
  remembered.shareUsed.remember(journal, { directory: config.share.directory, names: names.length })
  remembered.shareAccepted.remember(journal, undefined)
}
