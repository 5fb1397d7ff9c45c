import { cpio, extensionsFrame, filler, zstd } from '../../lab/uki-writer.ts'
import type { Random } from '../random.ts'
import { schematicOf } from './archives.ts'
import { imageOf, sectionOf } from './images.ts'

const largeNumbers = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff] as const

/** What the whole image is built of. */
const yaml = 'customization:\n    systemExtensions:\n        officialExtensions:\n            - siderolabs/i915\n'
export const schematic = schematicOf(yaml)
const extensions = ['siderolabs/i915', 'siderolabs/intel-ucode']
const whole = imageOf({ schematic, extensions, fillBytes: 30_000 })
/** The last archive, unpacked. */
const list = `layers:\n  - image: 0.sqsh\n    metadata:\n      name: schematic\n      version: ${schematic.id}\n      extraInfo: |\n${yaml.replaceAll(/^/gm, '        ')}`
const archive = cpio({ '0.sqsh': filler(300, 'x'), 'extensions.yaml': Buffer.from(list), 'usr/x': filler(9, 'y') })

/** Changes some bytes from `from` on, below `to`. */
function mutate(image: Buffer, random: Random, from: number, to: number): void {
  const place = () => from + random.below(Math.max(1, to - from - 4))
  for (let count = 1 + random.below(5); count > 0; count--) {
    const at = place()
    const kind = random.below(4)
    if (kind === 0) image[at] = random.below(256)
    else if (kind === 1) image[at] = image[at]! ^ (1 << random.below(8))
    else if (kind === 2) image.writeUInt32LE(random.pick(largeNumbers), at)
    else image.copyWithin(at, place(), Math.min(to, place() + random.below(64)))
  }
}

/** An image with some of it changed, cut off, or put together otherwise. */
export function mutant(random: Random): Buffer {
  const kind = random.below(5)
  if (kind === 0) {
    // What an archive holds, well packed.
    const other = Buffer.from(archive)
    mutate(other, random, 0, other.length)
    return imageOf({ initrd: Buffer.concat([zstd(Buffer.from('base')), zstd(other)]) })
  }
  if (kind === 1) {
    const frames = [extensionsFrame(schematic, extensions), zstd(filler(50, 'z')), archive, Buffer.alloc(9)]
    const initrd = Buffer.concat(Array.from({ length: 1 + random.below(5) }, () => random.pick(frames)))
    mutate(initrd, random, 0, initrd.length)
    return imageOf({ initrd })
  }
  const image = Buffer.from(whole)
  const { offset, rawSize } = sectionOf(image, '.initrd')
  if (kind === 2) mutate(image, random, 0, 1_024)
  else if (kind === 3) mutate(image, random, offset, offset + rawSize)
  else mutate(image, random, 0, image.length)
  return random.chance(0.1) ? image.subarray(0, random.below(image.length)) : image
}
