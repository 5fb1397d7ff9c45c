import { listed } from '../count.ts'
import { compareVersions, isNewer, isOfficial, parseVersion } from '../version.ts'
import { type Image, isNameOf, isSameVariant, type StagedImage } from './image.ts'
import { withdrawnReason } from './policy.ts'
import type { FormerImage, PublishedName } from './published.ts'

/** The settings of `share` that decide over what is published. */
export interface PublicationPolicy {
  readonly publish: 'when-rolled-out' | 'when-staged'
  readonly withdrawn: 'replace' | 'keep'
}

/** What the choice of a published release depends on. */
export interface PublicationView {
  /** The release that the nodes are brought to, or boot first where there are none. */
  readonly target: string | undefined
  readonly hasNodes: boolean
  /** What those nodes run that answer. */
  readonly running: readonly string[]
  /** The nodes that don't answer, by name. */
  readonly silent: readonly string[]
  /** What those ran when they were heard last, where that is known. */
  readonly ran: readonly string[]
  readonly offered: readonly string[]
  readonly withdrawn: readonly string[]
  readonly staged: readonly StagedImage[]
  readonly names: readonly PublishedName[]
  /** By node, what it is to boot whenever it does, of those that boot from the network each time. */
  readonly turns?: ReadonlyMap<string, Turn>
}

/** What a node is to boot, and why. */
export interface Turn {
  readonly version: string
  /** As the node tells it; undefined where that of the configuration is meant. */
  readonly schematic?: string | undefined
  readonly reason: string
  /** Nobody says whether its turn has come: what it boots now is left as it is. */
  readonly isUnsure?: true
}

/** A person has taken a name back from this release to another one: it counts until something else is to be published. */
export interface Hold {
  /** The release that was taken back. */
  readonly from: string
  /** Its schematic; undefined where that was not noted. */
  readonly fromSchematic?: string | undefined
  readonly version: string
  readonly schematic: string
}

export type Publication =
  /** The name is to serve this release. */
  | { readonly kind: 'publish'; readonly version: string; readonly schematic?: string; readonly reason: string }
  /** What it serves stays, if it serves anything. */
  | { readonly kind: 'keep'; readonly reason: string }

/**
 * Which release of an image machines are to boot.
 *
 * By default it is the oldest that a node runs: a machine that boots from the network in the middle of a rollout, drained
 * or not, then never comes up newer than its cluster, and what its disk holds is never read by an older release than that
 * which wrote it. While a node does not answer it may run anything, so the name goes no further until it does.
 */
export function decidePublication(
  image: Image & { readonly schematicId: string },
  view: PublicationView,
  policy: PublicationPolicy,
): Publication {
  const { hasNodes, silent } = view
  const present = presentName(image, view.names)
  if (image.diskless) return decideForNode(image, view, present)
  // With nothing to boot, a node that is down may be waiting for just that.
  const heard = present ? view.running : [...view.running, ...view.ran]
  const known = heard.filter(isOfficial).toSorted(compareVersions)
  // Nobody has ever heard of a node, and there is nothing to boot: they may be waiting for their first image.
  if (hasNodes && heard.length === 0 && !present && view.target !== undefined)
    return { kind: 'publish', version: view.target, reason: 'no node was ever heard, and it is the target release' }
  if (hasNodes && known.length === 0)
    return { kind: 'keep', reason: heard.length > 0 ? 'no node runs an official release' : 'no node answers' }
  const decided = chosen(known, { image, view, policy, present })
  const waits = policy.publish === 'when-rolled-out' && silent.length > 0
  if (waits && present && decided.kind === 'publish' && isNewer(decided.version, present.version))
    return { kind: 'keep', reason: `${listed(silent)} may run an older release: no answer` }
  return decided
}

/**
 * Of a node without an installation: what it boots is what it runs, so it is what it ran until its turn comes. It keeps its
 * schematic as well, also where that was edited since.
 */
function decideForNode(
  image: Image,
  { turns, staged }: PublicationView,
  present: PublishedName | undefined,
): Publication {
  const [node = ''] = image.nodes
  const turn = turns?.get(node)
  if (!turn) return { kind: 'keep', reason: `it is unknown what ${node} runs` }
  const { version, schematic, reason, isUnsure } = turn
  if (present && isUnsure) return { kind: 'keep', reason: `Kubernetes does not say whether it is ${node}'s turn` }
  const isThere = staged.some(
    (one) => isSameVariant(one, image) && one.version === version && one.schematic === schematic,
  )
  return { kind: 'publish', version, reason, ...(isThere && schematic !== undefined ? { schematic } : {}) }
}

/** By what nodes are known to run, the oldest first. */
function chosen(known: readonly string[], given: Replacing): Publication {
  const { view, policy } = given
  const { target, hasNodes, withdrawn } = view
  const waits = policy.publish === 'when-rolled-out'
  const wanted = hasNodes && waits ? known[0] : (target ?? known.at(-1))
  if (wanted === undefined) return { kind: 'keep', reason: 'there is no target release' }
  if (withdrawn.includes(wanted)) return insteadOf(wanted, given)
  return { kind: 'publish', version: wanted, reason: reasonFor(wanted, view, { waits, known }) }
}

function reasonFor(
  wanted: string,
  { target, hasNodes, running }: PublicationView,
  { waits, known }: { readonly waits: boolean; readonly known: readonly string[] },
): string {
  if (!hasNodes || !waits) return wanted === target ? 'it is the target release' : 'it is the newest that a node runs'
  if (!running.includes(wanted)) return 'it is the oldest that a node ran when it was heard last'
  return known.at(-1) === wanted ? 'every node runs it' : 'it is the oldest that a node runs'
}

interface Replacing {
  readonly image: Image & { readonly schematicId: string }
  readonly view: PublicationView
  readonly policy: PublicationPolicy
  readonly present: PublishedName | undefined
}

/** The newest release before one that was withdrawn, of those that are known to work here if there are any. */
function insteadOf(wanted: string, { image, view, policy, present }: Replacing): Publication {
  const { withdrawn, running, offered, staged } = view
  const keep = { kind: 'keep', reason: withdrawnReason(wanted) } as const
  if (policy.withdrawn === 'keep' && present?.version === wanted) return keep
  const isBetter = (version: string) => isOfficial(version) && !withdrawn.includes(version) && isNewer(wanted, version)
  const ready = staged
    .filter((one) => isSameVariant(one, image) && one.schematic === image.schematicId)
    .map(({ version }) => version)
  const finals = offered.filter((version) => parseVersion(version)?.prerelease === undefined)
  for (const candidates of [[...ready, ...running], finals]) {
    const version = candidates.filter(isBetter).toSorted(compareVersions).at(-1)
    if (version !== undefined) return { kind: 'publish', version, reason: withdrawnReason(wanted) }
  }
  return keep
}

/** The name of an image that machines boot now: of several, with a release in each, the last that was published. */
export function presentName(image: Pick<Image, 'file'>, names: readonly PublishedName[]): PublishedName | undefined {
  return namesOf(image, names)[0]
}

/** Every name of an image, the last that was published first. */
export function namesOf(image: Pick<Image, 'file'>, names: readonly PublishedName[]): readonly PublishedName[] {
  return names
    .filter(({ file }) => isNameOf(image, file))
    .toSorted((a, b) => Date.parse(b.publishedAt) - Date.parse(a.publishedAt))
}

/** What machines booted before under the name of an image, the last first. */
export function formerImages(image: Pick<Image, 'file'>, names: readonly PublishedName[]): readonly FormerImage[] {
  const [present, ...others] = namesOf(image, names)
  return present ? [...others, ...present.history] : []
}

/** The image that a name goes back to: the last before the present one that is still staged, another, and no newer. */
export function imageBefore(
  image: Pick<Image, 'file'>,
  { names, staged }: Pick<PublicationView, 'names' | 'staged'>,
): FormerImage | undefined {
  const present = presentName(image, names)
  const isThere = (one: FormerImage) =>
    staged.some(
      (other) => isSameVariant(one, other) && one.version === other.version && one.schematic === other.schematic,
    )
  const isAnother = (one: FormerImage) =>
    one.version === present?.version
      ? one.schematic !== present.schematic
      : present !== undefined && isNewer(present.version, one.version)
  return formerImages(image, names).find((one) => isAnother(one) && isThere(one))
}
