import { readIso, refuseIso } from '../../../src/core/release/iso.ts'
import { kernelCommandLine } from '../../lab/uki-writer.ts'
import { type TalosIso, writeTalosIso } from '../../lab/iso-writer.ts'
import { writeInitramfs, writeKernel } from '../../lab/boot-files.ts'
import type { Architecture, ImageOrder } from '../../../src/core/release/image.ts'
import { means, schematicOf } from './archives.ts'
import { imageOf, sourceOf } from './images.ts'

export const schematic = schematicOf('customization: {}\n')
const other = schematicOf('customization:\n    extraKernelArgs:\n        - quiet\n')

interface IsoChange extends Partial<TalosIso> {
  /** Of the UKI alone. */
  readonly ukiVersion?: string
  readonly ukiArch?: Architecture
  readonly isOtherUki?: boolean
  /** Of what GRUB boots alone. */
  readonly isOtherInitramfs?: boolean
  readonly kernelArch?: Architecture
}

/** A small ISO of a release, as Talos' builder makes it. */
export function isoOf(version = 'v1.13.9', change: IsoChange = {}): Buffer {
  const arch = change.arch ?? 'amd64'
  return writeTalosIso({
    version,
    arch,
    uki: imageOf({
      version: change.ukiVersion ?? version,
      arch: change.ukiArch ?? arch,
      schematic: change.isOtherUki ? other : schematic,
      profiles: [{ id: 'reset', title: 'Reset', cmdline: 'talos.platform=metal talos.experimental.wipe=system' }],
    }),
    kernel: writeKernel(change.kernelArch ?? arch, 4_096, version),
    initramfs: writeInitramfs(4_096, version, {
      schematic: change.isOtherInitramfs ? other : schematic,
      extensions: [],
    }),
    cmdline: kernelCommandLine({ version, arch, platform: 'metal' }),
    ...change,
  })
}

export const isoOrder = (version = 'v1.13.9', change: Partial<ImageOrder> = {}): ImageOrder => ({
  version,
  schematic: schematic.id,
  architecture: 'amd64',
  secureBoot: false,
  kind: 'iso',
  kernelArguments: [],
  ...change,
})

/** Why it is refused; errors of the reader are reasons as well. */
export async function refusalOf(iso: Uint8Array, order = isoOrder()): Promise<string | undefined> {
  const asked = { version: order.version, id: order.schematic, schematic: undefined }
  return refuseIso(sourceOf(iso), order, asked, means).catch((error: Error) => error.message)
}

export const contentsOf = (iso: Uint8Array) => readIso(sourceOf(iso))
