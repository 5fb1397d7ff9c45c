import { env } from 'node:process'
import { describe, expect, test } from 'vitest'
import { AgentError } from '../../../src/core/errors.ts'
import { openFat } from '../../../src/core/release/fat.ts'
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
    { iso: nothing, says: 'it is an image of a CD that boots something else than Talos' },
    { iso: writeIso({ label: 'X', efi: twoUkis }), says: 'it has more than one UKI' },
    { iso: writeIso({ label: 'X', efi: filler(4_096, 'x') }), says: 'what it boots by UEFI is no FAT file system' },
    { iso: whole.subarray(0, -4_096), says: 'it is truncated' },
    { iso: filler(80_000, 'x'), says: 'it is no image of a CD' },
  ])('that $says', async ({ iso, order, says }) => {
    expect(await refusalOf(iso, order)).toContain(says)
  })
})

describe('a file in a FAT file system', () => {
  const long = filler(50_000, 'long')
  const image = writeFat({ 'EFI/Linux/Talos-v1.13.9-beta.0.efi': long, 'EFI/Linux/empty.efi': Buffer.alloc(0) })
  /** Where its table says what comes behind a cluster. */
  const entryAt = (cluster: number) => 32 * 512 + cluster * 4
  const read = async (bytes: Buffer) => {
    const fat = await openFat(sourceOf(bytes), 0)
    const entries = (await fat.list('efi/LINUX'))!
    const part = await fat.open(entries.find(({ bytes: size }) => size === long.length)!)
    return { names: entries.map(({ name }) => name), contents: Buffer.from(await part.read(0, part.size)), part }
  }

  test('is read by its long name, from any place on', async () => {
    const { names, contents, part } = await read(image)
    expect(names).toEqual(['Talos-v1.13.9-beta.0.efi', 'empty.efi'])
    expect(contents.equals(long)).toBe(true)
    expect(Buffer.from(await part.read(40_000, 20_000)).equals(long.subarray(40_000))).toBe(true)
  })

  test('is read where it lies in pieces', async () => {
    const other = Buffer.from(image)
    const first = 2
    // The second and the third cluster change places.
    const dataAt = image.length - (13 + 3) * 4_096
    const place = (cluster: number) => dataAt + (cluster - first) * 4_096
    for (const [from, to] of [
      [3, 4],
      [4, 3],
    ] as const)
      image.copy(other, place(to), place(from), place(from) + 4_096)
    for (const [cluster, next] of [
      [2, 4],
      [4, 3],
      [3, 5],
    ] as const)
      other.writeUInt32LE(next, entryAt(cluster))
    expect((await read(other)).contents.equals(long)).toBe(true)
  })

  test.each([
    { name: 'whose chain ends early', next: 0x0fff_ffff, says: 'is cut off in its file system' },
    { name: 'whose chain leads nowhere', next: 0x00ff_ffff, says: 'is damaged' },
    { name: 'whose chain leads to no cluster', next: 0, says: 'is damaged' },
  ])('$name is refused', async ({ next, says }) => {
    const other = Buffer.from(image)
    other.writeUInt32LE(next, entryAt(4))
    await expect(read(other)).rejects.toThrow(says)
  })

  test('is given up where it lies in a thousand pieces', async () => {
    const other = writeFat({ 'EFI/Linux/a.efi': filler(5_000_000, 'x') })
    for (let cluster = 2; cluster + 3 < 1_222; cluster += 2) {
      other.writeUInt32LE(cluster + 2, entryAt(cluster))
      other.writeUInt32LE(cluster + 2 - 1 + 2, entryAt(cluster + 1))
    }
    other.writeUInt32LE(2, entryAt(1_200))
    const fat = await openFat(sourceOf(other), 0)
    const [entry] = (await fat.list('EFI/Linux'))!
    await expect(fat.open(entry!)).rejects.toThrow('in more pieces than that of any image')
  })

  test('a directory that leads back to itself ends', async () => {
    const other = Buffer.from(image)
    const root = other.readUInt32LE(44)
    other.writeUInt32LE(root, entryAt(root))
    // Full of names, so that no end is found.
    await expect(openFat(sourceOf(other), 0).then((fat) => fat.list('x'))).rejects.toThrow('a directory larger than')
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
