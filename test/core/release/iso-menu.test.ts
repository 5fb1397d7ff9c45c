import { describe, expect, test } from 'vitest'
import { writeInitramfs, writeKernel } from '../../lab/boot-files.ts'
import { writeFat } from '../../lab/fat-writer.ts'
import { type IsoOptions, writeIso } from '../../lab/iso-writer.ts'
import { filler, kernelCommandLine } from '../../lab/uki-writer.ts'
import { imageOf } from './images.ts'
import { contentsOf, isoOrder, refusalOf, schematic } from './isos.ts'

const version = 'v1.9.5'
const order = isoOrder(version)
const words = kernelCommandLine({ version, arch: 'amd64', platform: 'metal' })
const parts = {
  'boot/vmlinuz': writeKernel('amd64', 4_096, version),
  'boot/initramfs.xz': writeInitramfs(4_096, version, { schematic, extensions: [] }),
}
const menuOf = (...lines: readonly string[]) => `${lines.join('\n')}\n`
const usual = [`linux /boot/vmlinuz ${words}`, 'initrd /boot/initramfs.xz']

/** An ISO of Talos 1.9 that boots by BIOS alone, with this menu. */
const isoWith = (menu: string, change: Partial<IsoOptions> = {}) =>
  writeIso({
    label: 'TALOS_V1_9_5',
    bios: true,
    files: { ...parts, 'boot/grub/grub.cfg': Buffer.from(menu) },
    ...change,
  })

describe("GRUB's menu", () => {
  test('is read where nothing else boots, from its first letter on', async () => {
    const iso = isoWith(menuOf(...usual))
    expect(await refusalOf(iso, order)).toBeUndefined()
    expect(await contentsOf(iso)).toMatchObject({ loaders: [], uki: undefined, grub: { commandLine: words } })
  })

  test.each([
    { name: 'with tabs and spaces around its words', line: `\t linux \t /boot/vmlinuz \t a=1 b=2 \t`, is: 'a=1 b=2' },
    { name: 'without arguments', line: 'linux /boot/vmlinuz', is: '' },
    { name: 'whose first entry counts', line: 'linux /boot/vmlinuz one\nlinux /boot/other two', is: 'one' },
  ])('$name', async ({ line, is }) => {
    expect((await contentsOf(isoWith(menuOf(line, usual[1]!)))).grub?.commandLine).toBe(is)
  })

  test.each([
    {
      name: 'without a kernel',
      menu: menuOf(usual[1]!),
      says: 'it is a CD image that boots something other than Talos',
    },
    {
      name: 'without an initramfs',
      menu: menuOf(usual[0]!),
      says: 'it is a CD image that boots something other than Talos',
    },
    {
      name: 'with other arguments',
      menu: menuOf('linux /boot/vmlinuz quiet', usual[1]!),
      says: 'its command line lacks talos.platform=metal',
    },
    {
      name: 'with a kernel that is not there',
      menu: menuOf('linux /boot/other', usual[1]!),
      says: 'GRUB starts /boot/other, which is not in it',
    },
    {
      name: 'with an initramfs that is not there',
      menu: menuOf(usual[0]!, 'initrd /boot/none'),
      says: 'GRUB starts /boot/none, which is not in it',
    },
    {
      name: 'that is far too long',
      menu: menuOf(...usual).padEnd(65_537, '#'),
      says: "GRUB's menu is larger than that of any image",
    },
  ])('$name is refused', async ({ menu, says }) => {
    expect(await refusalOf(isoWith(menu), order)).toBe(says)
  })

  test('may have 64 KiB', async () => {
    expect(await refusalOf(isoWith(menuOf(...usual).padEnd(65_536, '#')), order)).toBeUndefined()
  })
})

describe('what UEFI starts', () => {
  const loader = writeKernel('amd64', 4_096, 'loader')
  const uki = imageOf({ schematic })
  const ofUki = isoOrder('v1.13.9')
  const efiIso = (files: Readonly<Record<string, Buffer>>) => writeIso({ label: 'TALOS_V1_13_9', efi: writeFat(files) })

  test('is any program with its name, whatever the case, and nothing beside it', async () => {
    const iso = efiIso({
      'EFI/BOOT/bootx64.efi': loader,
      'EFI/BOOT/BOOTAA64.EFI': loader,
      'EFI/BOOT/readme.txt': filler(9, 'x'),
      'EFI/Linux/talos.efi': uki,
      'EFI/Linux/talos.efi.sig': filler(9, 'y'),
      'EFI/Linux/old.efi/readme.txt': filler(9, 'z'),
    })
    expect(await refusalOf(iso, ofUki)).toBeUndefined()
    const { loaders, uki: found } = await contentsOf(iso)
    expect(loaders.map(({ name }) => name)).toEqual(['BOOTX64.EFI', 'BOOTAA64.EFI'])
    expect(found?.size).toBe(uki.length)
  })

  test('is refused where nothing starts the UKI', async () => {
    expect(await refusalOf(efiIso({ 'EFI/Linux/talos.efi': uki }), ofUki)).toBe(
      'it has a UKI, and nothing that firmware starts',
    )
  })
})

test('a label holds the first 32 letters of a long release', async () => {
  const long = 'v1.9.5-alpha.1000000000000000000'
  const label = 'TALOS_V1_9_5_ALPHA_1000000000000'
  expect(label).toHaveLength(32)
  expect(await refusalOf(isoWith(menuOf(...usual), { label }), isoOrder(long))).toBeUndefined()
})
