import { env } from 'node:process'
import { describe, expect, test } from 'vitest'
import { AgentError } from '../../../src/core/errors.ts'
import { refuseIso } from '../../../src/core/release/iso.ts'
import { writeFat } from '../../lab/fat-writer.ts'
import { writeIso } from '../../lab/iso-writer.ts'
import { filler } from '../../lab/uki-writer.ts'
import { createRandom, type Random } from '../random.ts'
import { means } from './archives.ts'
import { sourceOf } from './images.ts'
import { contentsOf, isoOf, isoOrder, refusalOf, schematic } from './isos.ts'

describe('an ISO is taken', () => {
  test.each([
    { name: 'of a release that boots a UKI by UEFI, and GRUB by BIOS', version: 'v1.13.9' },
    { name: 'of a release that boots GRUB alone', version: 'v1.9.5' },
    { name: 'of a release before ISOs were labelled', version: 'v1.7.6' },
    { name: 'for arm64, without GRUB', version: 'v1.13.9', change: { architecture: 'arm64' } },
  ] as const)('$name', async ({ version, change = {} }) => {
    const order = isoOrder(version, change)
    const iso = isoOf(version, { arch: order.architecture })
    expect(await refusalOf(iso, order)).toBeUndefined()
    const { uki, grub, loaders } = await contentsOf(iso)
    expect({ uki: uki !== undefined, grub: grub !== undefined, loaders: loaders.map(({ name }) => name) }).toEqual({
      uki: version === 'v1.13.9',
      grub: order.architecture === 'amd64',
      loaders: [order.architecture === 'amd64' ? 'BOOTX64.EFI' : 'BOOTAA64.EFI'],
    })
  })

  test("with what GRUB's menu quotes", async () => {
    const cmdline = 'talos.platform=metal talos.config=http://h/c?m=${mac}&u="x" quiet'
    const order = isoOrder('v1.13.9', { kernelArguments: ['talos.config=http://h/c?m=${mac}&u="x"'] })
    expect((await contentsOf(isoOf('v1.13.9', { cmdline }))).grub?.commandLine).toBe(cmdline)
    expect(await refusalOf(isoOf('v1.9.5', { cmdline }), { ...order, version: 'v1.9.5' })).toBeUndefined()
  })
})

describe('an ISO is refused', () => {
  const whole = isoOf()
  const nothing = writeIso({ label: 'DEBIAN', efi: writeFat({ 'EFI/BOOT/BOOTX64.EFI': filler(900, 'x') }) })
  const twoUkis = writeFat({
    'EFI/BOOT/BOOTX64.EFI': filler(900, 'x'),
    'EFI/Linux/a.efi': filler(9, 'a'),
    'EFI/Linux/b.efi': filler(9, 'b'),
  })
  test.each([
    { iso: isoOf('v1.13.8'), says: 'it is v1.13.8, and v1.13.9 was requested' },
    { iso: isoOf('v1.13.9', { isOtherUki: true }), says: 'it carries the schematic' },
    { iso: isoOf('v1.13.9', { isOtherInitramfs: true }), says: 'what it boots by BIOS: it carries the schematic' },
    { iso: isoOf('v1.13.9', { kernelArch: 'arm64' }), says: 'what it boots by BIOS: its kernel is for arm64' },
    {
      iso: isoOf('v1.13.9', { cmdline: 'quiet' }),
      says: 'what it boots by BIOS: its command line lacks talos.platform',
    },
    { iso: isoOf('v1.13.9', { arch: 'arm64' }), says: 'it boots by BOOTAA64.EFI, which is not for amd64' },
    { iso: isoOf('v1.13.9', { ukiArch: 'arm64' }), says: 'it is for arm64, and amd64 was requested' },
    { iso: isoOf('v1.9.4'), order: isoOrder('v1.9.5'), says: 'it is labelled TALOS_V1_9_4, and v1.9.5 was requested' },
    { iso: whole, order: isoOrder('v1.13.9', { secureBoot: true }), says: 'it is not signed' },
    { iso: isoOf('v1.9.5'), order: isoOrder('v1.9.5', { secureBoot: true }), says: 'it has no UKI' },
    { iso: whole, order: isoOrder('v1.13.9', { kernelArguments: ['quiet'] }), says: 'its command line lacks quiet' },
    { iso: nothing, says: 'it is a CD image that boots something other than Talos' },
    { iso: writeIso({ label: 'X', efi: twoUkis }), says: 'it has more than one UKI' },
    { iso: writeIso({ label: 'X', efi: filler(4_096, 'x') }), says: 'what it boots by UEFI is no FAT file system' },
    { iso: whole.subarray(0, -4_096), says: 'it is truncated' },
    { iso: filler(80_000, 'x'), says: 'it is not a CD image' },
  ])('that $says', async ({ iso, order, says }) => {
    expect(await refusalOf(iso, order)).toContain(says)
  })
})

const numbers = [0, 1, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff] as const
const isos = [isoOf(), isoOf('v1.9.5'), isoOf('v1.13.9', { arch: 'arm64' })]

/** An ISO with some of what leads through it changed, or cut off. */
function mutant(random: Random): Buffer {
  const iso = Buffer.from(random.pick(isos))
  // The volume, the list of what it boots and directories; or the FAT file system, which begins somewhere behind.
  const fatAt = iso.readUInt32LE(19 * 2_048 + (iso[19 * 2_048 + 1] === 0xef ? 40 : 104)) * 2_048
  const [from, to]: readonly [number, number] = random.chance(0.5)
    ? [0x8000, 0xd000]
    : [fatAt, Math.min(iso.length - 4, fatAt + 50_000)]
  for (let count = 1 + random.below(6); count > 0; count--) {
    const at = from + random.below(to - from)
    if (random.chance(0.5)) iso[at] = random.below(256)
    else iso.writeUInt32LE(random.pick(numbers), at)
  }
  return random.chance(0.1) ? iso.subarray(0, random.below(iso.length)) : iso
}

test('an ISO with anything in it is read or refused, with nothing but our own error, and without greed', async () => {
  const outcomes = new Set<string>()
  const asked = { version: 'v1.13.9', id: schematic.id, schematic: undefined }
  const seeds = Number(env['SEEDS'] ?? 250)
  for (let seed = 0; seed < seeds; seed++) {
    const source = sourceOf(mutant(createRandom(seed)))
    const outcome = await refuseIso(source, isoOrder(), asked, means).catch((error: unknown) => {
      if (error instanceof AgentError && error.code === 'malformed') return error.message
      throw new Error(`seed ${seed}`, { cause: error })
    })
    const read = source.asked.reduce((sum, { length }) => sum + Math.min(length, source.size), 0)
    expect(read, `seed ${seed}`).toBeLessThan(8 * 1_048_576)
    outcomes.add((outcome ?? 'taken').slice(0, 14))
  }
  expect([...outcomes]).toEqual(expect.arrayContaining(['taken', 'it is truncate', 'the file syste']))
}, 3_600_000)
