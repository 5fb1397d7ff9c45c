import { readFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { refuseFiles } from '../../../src/adapters/share/image-file.ts'
import { inspectUkiFile } from '../../../src/adapters/share/uki-file.ts'
import { contentsOf, isoOrder, schematic } from '../../core/release/isos.ts'
import { imageOf } from '../../core/release/images.ts'
import { writeInitramfs, writeKernel } from '../../lab/boot-files.ts'
import { lacks } from '../../lab/needs.ts'
import { buildIso, whyNoIso } from '../../lab/uki/real-iso.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'caretaker-iso-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const version = 'v1.13.9'
const uki = imageOf({ schematic, fillBytes: 3_000_000 })
const grub = {
  kernel: writeKernel('amd64', 4_096, 'kernel'),
  initramfs: writeInitramfs(50_000, 'initramfs', { schematic, extensions: [] }),
  menu: 'set default=0\nmenuentry "Talos ISO" {\n\tlinux /boot/vmlinuz talos.platform=metal console=tty0\n\tinitrd /boot/initramfs.xz\n}\n',
}

describe.skipIf(lacks(whyNoIso()))('an ISO that was built with the programs of the real builder', () => {
  test.each([{ sectors: 1 }, { sectors: 2 }])('is read, with clusters of $sectors sectors', async ({ sectors }) => {
    const iso = await buildIso(directory, { version, uki, loader: imageOf(), grub, sectors })
    expect(await refuseFiles([iso], isoOrder(), undefined)).toBeUndefined()
    expect(await refuseFiles([iso], isoOrder('v1.13.8'), undefined)).toBe('it is v1.13.9, and v1.13.8 was requested')
    const contents = await contentsOf(await readFile(iso))
    expect(contents.label).toBe('TALOS_V1_13_9')
    expect(Buffer.from(await contents.uki!.read(0, uki.length)).equals(uki)).toBe(true)
    const { kernel, initramfs, commandLine } = contents.grub!
    expect(Buffer.from(await initramfs.read(0, initramfs.size)).equals(grub.initramfs)).toBe(true)
    expect(Buffer.from(await kernel.read(0, kernel.size)).equals(grub.kernel)).toBe(true)
    expect(commandLine).toBe('talos.platform=metal console=tty0')
    expect(await inspectUkiFile(iso)).toMatchObject({ version, bytes: uki.length, schematic: { id: schematic.id } })
  })
})
