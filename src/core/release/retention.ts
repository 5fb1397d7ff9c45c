import { type Image, isSameImage, isSameVariant, type StagedImage } from './image.ts'
import { formerImages, namesOf, presentName } from './publication.ts'
import type { PublishedName, Surplus, SurplusImage } from './published.ts'

export interface RetentionView {
  readonly images: readonly (Image & { readonly schematicId: string })[]
  readonly staged: readonly StagedImage[]
  readonly names: readonly PublishedName[]
  /** What nodes run or may go back to. Where the schematic is not known, every one of that release is meant. */
  readonly inUse: readonly { readonly version: string; readonly schematic: string | undefined }[]
  /** What was just staged. */
  readonly fresh: readonly SurplusImage[]
  readonly now: Date
}

/** In ms: a machine that has got a name's file may ask for the rest of its image, such as an initramfs, for so long. */
const bootsWithin = 3_600_000

/**
 * What is taken away from the share. Of each image `keep` releases stay that its name served, and as many that it never
 * did. What a name serves or served within the hour, what a node runs or may go back to, and what was just staged stays
 * whatever the number.
 */
export function surplusOf({ images, staged, names, inUse, fresh, now }: RetentionView, keep: number): Surplus {
  const kept = new Set<StagedImage>()
  const claimed = new Set<string>()
  for (const image of images) {
    const own = staged.filter((one) => isOf(image, one, images))
    const present = presentName(image, names)
    const shown = [...(present ? [present] : []), ...formerImages(image, names)]
    const found = (former: (typeof shown)[number]) => own.find((one) => isSameImage(one, former)) ?? []
    const served = shown.flatMap(found)
    for (const one of [...new Set(served)].slice(0, keep)) kept.add(one)
    for (const one of shown.filter((_, index) => isRecent(shown[index - 1], now)).flatMap(found)) kept.add(one)
    for (const one of own.filter((other) => !served.includes(other)).slice(0, keep)) kept.add(one)
    for (const { file } of namesOf(image, names)) claimed.add(file)
  }
  const present = new Set(images.flatMap((image) => presentName(image, names)?.file ?? []))
  // A name that no image of the configuration has any more may still be what somebody boots.
  const stays = names.filter(({ file }) => present.has(file) || !claimed.has(file))
  for (const one of staged) {
    const isServed = stays.some((name) => isSameImage(name, one))
    const isUsed = inUse.some(
      ({ version, schematic }) => version === one.version && (schematic ?? one.schematic) === one.schematic,
    )
    if (isServed || isUsed || fresh.some((other) => isSameImage(other, one))) kept.add(one)
  }
  const surplus = staged.filter((one) => !kept.has(one))
  return {
    images: surplus,
    names: names
      .filter((name) => !stays.includes(name) && !staged.some((one) => kept.has(one) && isSameImage(one, name)))
      .map(({ file }) => file),
  }
}

/** Whether what came before this one was served until a moment ago; a clock that went back makes nothing old. */
function isRecent(successor: Pick<PublishedName, 'publishedAt'> | undefined, now: Date): boolean {
  return successor !== undefined && now.getTime() - Date.parse(successor.publishedAt) < bootsWithin
}

/** One of its own schematic, or of one that it had before an edit: of a schematic that no other image has. */
function isOf(image: RetentionView['images'][number], one: StagedImage, images: RetentionView['images']): boolean {
  if (!isSameVariant(image, one)) return false
  if (one.schematic === image.schematicId) return true
  return !images.some((other) => isSameVariant(other, one) && other.schematicId === one.schematic)
}
