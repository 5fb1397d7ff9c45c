import { type Image, type ImageOrder, isSameImage, isSameVariant, publishedName, type StagedImage } from './image.ts'
import {
  decidePublication,
  type Hold,
  presentName,
  type Publication,
  type PublicationPolicy,
  type PublicationView,
} from './publication.ts'
import type { PublishedName } from './published.ts'

/** An image of the configuration, with what the Factory calls its schematic. */
export interface WantedImage extends Image {
  readonly schematicId: string
  readonly kernelArguments: readonly string[]
}

export interface StagingPolicy extends PublicationPolicy {
  readonly changed: 'restore' | 'report'
}

export interface StagingView extends PublicationView {
  readonly images: readonly WantedImage[]
  /** Releases that a person wants on the share, oldest request first. */
  readonly requests: readonly string[]
  /** By the image's name. */
  readonly holds: Readonly<Record<string, Hold>>
}

/** An image of one release that is to be on the share. */
export interface StagingOrder {
  /** The image's name in the configuration. */
  readonly image: string
  readonly order: ImageOrder
  /** The name that is to serve it. */
  readonly publishAs: string | undefined
  /** A person wants it, and no machine needs it. */
  readonly isRequest: boolean
  /** It is what one node boots each time, whose turn may come at any moment. */
  readonly isOfNode: boolean
  /** Its files are there already. */
  readonly isThere: boolean
  /** All of it is there already, as it should be. */
  readonly isDone: boolean
}

export interface StagingPlan {
  readonly orders: readonly StagingOrder[]
  /** By the image's name, why its name does not serve the target release. */
  readonly remarks: Readonly<Record<string, string>>
  /** Holds that count for nothing any more. */
  readonly overHolds: readonly string[]
}

/** What is to be on the share, and which name serves what. What is published comes first: a machine may boot any moment. */
export function planStaging(view: StagingView, policy: StagingPolicy): StagingPlan {
  const published: StagingOrder[] = []
  const others: StagingOrder[] = []
  const remarks: Record<string, string> = {}
  const overHolds: string[] = []
  for (const image of view.images) {
    const publication = decidePublication(image, view, policy)
    const hold = view.holds[image.name]
    const isHeld = hold !== undefined && counts(hold, image, publication)
    if (hold && !isHeld) overHolds.push(image.name)
    const serves = isHeld ? hold : publication.kind === 'publish' ? publication : damaged(image, view)
    if (serves) published.push(orderOf(view, { image, serves, policy, isPublished: true, isRequest: false }))
    const wanted = view.target === undefined || view.withdrawn.includes(view.target) ? [] : [view.target]
    for (const version of new Set([...wanted, ...view.requests])) {
      if (version === serves?.version) continue
      const isRequest = !wanted.includes(version)
      others.push(orderOf(view, { image, serves: { version }, policy, isPublished: false, isRequest }))
    }
    if (isHeld) remarks[image.name] = `${hold.from} was taken back by a person`
    else if (publication.kind === 'keep' || publication.version !== view.target)
      remarks[image.name] = publication.reason
  }
  return { orders: [...published, ...others], remarks, overHolds }
}

function counts(hold: Hold, image: WantedImage, publication: Publication): boolean {
  const { from, fromSchematic = image.schematicId, version } = hold
  // It was the schematic that was taken back, and it was edited since.
  if (version === from && fromSchematic !== image.schematicId) return false
  return publication.kind === 'keep' || publication.version === from
}

/** What a name is to serve again that serves something else, or nothing: a node that is down may be waiting for it. */
function damaged(image: WantedImage, { names }: StagingView): PublishedName | undefined {
  const present = presentName(image, names)
  return present?.fault !== undefined && isSameVariant(present, image) ? present : undefined
}

interface Ordered {
  readonly image: WantedImage
  readonly serves: { readonly version: string; readonly schematic?: string }
  readonly policy: StagingPolicy
  readonly isPublished: boolean
  readonly isRequest: boolean
}

function orderOf(view: StagingView, { image, serves, policy, isPublished, isRequest }: Ordered): StagingOrder {
  const { version } = serves
  const order = orderFor(image, serves)
  const present = presentName(image, view.names)
  const servesIt = present !== undefined && isSameImage(present, order)
  // What others changed is told, and left as it is where a person wants it so.
  const isLeft = servesIt && present.fault !== undefined && policy.changed === 'report'
  const publishAs = isPublished && !isLeft ? publishedName(image, version) : undefined
  const isThere = view.staged.some((one) => isSameImage(one, order))
  const isServed = publishAs === undefined || (servesIt && isWhole(present, view.staged))
  return {
    image: image.name,
    order,
    publishAs,
    isRequest,
    isOfNode: image.diskless,
    isThere,
    isDone: isThere && isServed,
  }
}

/** What is ordered of an image. Without a schematic it is that of the configuration. */
export function orderFor(
  { architecture, secureBoot, kind, schematicId, ...image }: WantedImage,
  { version, schematic = schematicId }: Ordered['serves'],
): ImageOrder {
  // Those of another schematic are its own.
  const kernelArguments = schematic === schematicId ? image.kernelArguments : []
  return { schematic, version, architecture, secureBoot, kind, kernelArguments }
}

function isWhole(name: PublishedName, staged: readonly StagedImage[]): boolean {
  return name.fault === undefined && staged.some((one) => one.publishedAs.includes(name.file))
}
