import { openIso } from '../../../src/core/release/iso9660.ts'
import { type IsoOptions, writeIso } from '../../lab/iso-writer.ts'
import { filler } from '../../lab/uki-writer.ts'
import { sourceOf } from './images.ts'

export const sector = 2_048
/** Where the parts are that the writer puts there, in sectors. */
export const [primary, boot, end, catalogue, root] = [16, 17, 18, 19, 20]
export const files = {
  'boot/vmlinuz': filler(3_000, 'k'),
  'boot/grub/grub.cfg': filler(70, 'g'),
  'readme.': filler(9, 'r'),
}

/** An image with some of its bytes changed. */
export function isoOf(change: (iso: Buffer) => void = () => {}, options: Partial<IsoOptions> = {}): Buffer {
  const iso = writeIso({ label: 'TALOS_V1_13_9', files, efi: filler(5_000, 'efi'), ...options })
  change(iso)
  return iso
}

export const open = (iso: Uint8Array) => openIso(sourceOf(iso))

/** The contents of a file; undefined where it is not found. */
export async function read(iso: Buffer, path: string): Promise<Buffer | undefined> {
  const extent = await (await open(iso)).find(path)
  return extent && iso.subarray(extent.start, extent.end)
}
