import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { LabFactoryFaults } from './faults.ts'
import { parsePath } from './path.ts'
import { readSchematic } from './schematic.ts'
import { writeInitramfs, writeKernel } from '../boot-files.ts'
import { writeTalosIso } from '../iso-writer.ts'
import { withV } from './versions.ts'
import { filler, isAtLeast, kernelCommandLine, writeUki, type Arch } from '../uki-writer.ts'

/** What images are made of. */
export interface ImageSources {
  readonly schematics: ReadonlyMap<string, string>
  readonly faults: LabFactoryFaults
  /** Size of a made image. */
  readonly imageBytes: number
  /** Files in place of made UKIs, by Talos version. */
  readonly files: Readonly<Record<string, string>> | undefined
  /** Where the Factory says that it is. */
  readonly origin: () => string
}

const vanilla = 'customization: {}\n'

/** Makes each image once; with other faults it is another one. */
export function createImages(sources: ImageSources): (id: string, version: string, path: string) => Buffer {
  const { schematics, faults, imageBytes, files, origin } = sources
  const images = new Map<string, Buffer>()

  return (id, version, path) => {
    const { kind, arch, platform, secureboot } = parsePath(path)
    const { wrongVersion, wrongArch, wrongSchematic, rebuilt } = faults
    const inside = withV(wrongVersion ?? version)
    const processor: Arch = wrongArch ? (arch === 'amd64' ? 'arm64' : 'amd64') : arch
    const key = JSON.stringify([id, inside, path, processor, wrongSchematic, rebuilt, faults.leftOutExtension])
    const known = images.get(key)
    if (known) return known
    const yaml = wrongSchematic
      ? 'customization:\n    extraKernelArgs:\n        - wrong\n'
      : (schematics.get(id) ?? vanilla)
    const extra = readSchematic(schematics.get(id) ?? vanilla).customization.extraKernelArgs
    const named = readSchematic(yaml).customization.systemExtensions?.officialExtensions ?? []
    const extensions = named.filter((name) => name !== faults.leftOutExtension)
    const cmdline = kernelCommandLine({
      version: inside,
      arch: processor,
      platform,
      extra: kind !== 'uki' || isAtLeast(inside, 1, 10) ? extra : [],
    })
    const seed = rebuilt ? 1 : 0
    const file = files?.[inside] ?? files?.[inside.slice(1)]
    const make = (): Buffer => {
      if (kind === 'cmdline') return Buffer.from(cmdline)
      const schematic = { id: hash('sha256', yaml), yaml, factory: origin() }
      const kernel = () => writeKernel(processor, imageBytes, key)
      const initramfs = () => writeInitramfs(imageBytes, key, { schematic, extensions })
      const uki = () =>
        writeUki({ version: inside, arch: processor, cmdline, fillBytes: imageBytes, seed, schematic, extensions })
      if (path.startsWith('kernel-')) return kernel()
      if (path.startsWith('initramfs-')) return initramfs()
      if (path.endsWith('.iso')) {
        const parts = { kernel: kernel(), initramfs: initramfs(), uki: uki() }
        return writeTalosIso({ version: inside, arch: processor, secureBoot: secureboot, cmdline, ...parts })
      }
      if (kind !== 'uki') return filler(imageBytes, key)
      if (file !== undefined) return readFileSync(file)
      return uki()
    }
    const bytes = make()
    images.set(key, bytes)
    return bytes
  }
}
