import { describe, expect, test } from 'vitest'
import type { ImageOrder } from '../../../src/core/release/image.ts'
import { readUki, refuseUki } from '../../../src/core/release/uki.ts'
import { imageOf, sectionOf, sectionsOf, sourceOf } from './images.ts'

const read = (bytes: Uint8Array) => readUki(sourceOf(bytes))
const order: ImageOrder = { schematic: 'c'.repeat(64), version: 'v1.13.9', architecture: 'amd64', kernelArguments: [] }
const malformed = (message: string) => expect.objectContaining({ name: 'AgentError', code: 'malformed', message })
/** The image with some of its bytes changed. */
function changed(change: (image: Buffer) => void, image = imageOf()): Buffer {
  change(image)
  return image
}

describe('an image', () => {
  test('says what it is, in a few small reads', async () => {
    const source = sourceOf(imageOf({ fillBytes: 3_000_000, extra: ['net.ifnames=0'] }))
    expect(await readUki(source)).toMatchObject({
      architecture: 'amd64',
      version: 'v1.13.9',
      osRelease: { ID: 'talos', NAME: 'Talos', PRETTY_NAME: 'Talos (v1.13.9)' },
      commandLine:
        'talos.platform=metal console=tty0 init_on_alloc=1 slab_nomerge pti=on consoleblank=0 nvme_core.io_timeout=4294967295 ' +
        'printk.devkmsg=on selinux=1 module.sig_enforce=1 proc_mem.force_override=never net.ifnames=0',
      kernel: '6.18.44-talos',
      signed: false,
    })
    expect(source.asked.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(10_000)
  })

  test('for arm64 is known as such, though it does not tell of its kernel', async () => {
    expect(await read(imageOf({ arch: 'arm64' }))).toMatchObject({ architecture: 'arm64', kernel: undefined })
  })

  test('for another processor is not known', async () => {
    const image = changed((bytes) => bytes.writeUInt16LE(0x14c, 0x84))
    expect((await read(image)).architecture).toBe('unknown')
  })

  test('lists its sections with their real length', async () => {
    const { sections } = await read(imageOf())
    expect(sections.map(({ name }) => name)).toEqual([
      '.text',
      '.sdmagic',
      '.osrel',
      '.cmdline',
      '.uname',
      '.linux',
      '.initrd',
      '.profile',
    ])
    expect(sections.find(({ name }) => name === '.profile')?.bytes).toBe('ID=main'.length)
  })

  test('with a command line that ends in NUL and newline is read without them', async () => {
    expect((await read(imageOf({ cmdline: 'talos.platform=metal quiet\n\0\0' }))).commandLine).toBe(
      'talos.platform=metal quiet',
    )
  })

  test('with two boot profiles boots the first', async () => {
    const image = imageOf({ cmdline: 'talos.platform=metal' })
    const { row } = sectionOf(image, '.profile')
    const other = sectionOf(image, '.uname')
    image.copy(image, row + 8, other.row + 8, other.row + 40)
    image.write('.cmdline', row, 8, 'latin1')
    expect((await read(image)).commandLine).toBe('talos.platform=metal')
  })

  test('with a certificate is signed', async () => {
    const image = imageOf()
    image.writeUInt32LE(image.length, 0x98 + 144)
    image.writeUInt32LE(8, 0x98 + 148)
    expect((await read(Buffer.concat([image, Buffer.alloc(8)]))).signed).toBe(true)
    await expect(read(image)).rejects.toEqual(
      malformed(`it is cut short: ${image.length + 8} bytes are announced, ${image.length} are there`),
    )
  })
})

describe('an image that was cut', () => {
  const whole = imageOf()
  const sections = sectionsOf(whole)

  test.each(
    sections.flatMap(
      ({ name, offset, rawSize }) =>
        [
          [`where ${name} begins`, offset],
          [`in the middle of ${name}`, offset + rawSize / 2],
          [`a byte before the end of ${name}`, offset + rawSize - 1],
        ] as const,
    ),
  )('%s is refused', async (_, length) => {
    await expect(read(whole.subarray(0, length))).rejects.toEqual(
      malformed(`it is cut short: ${whole.length} bytes are announced, ${length} are there`),
    )
  })

  test.each([
    ['nowhere in the DOS header', 2, 'the file ends inside the DOS header'],
    ['at the end of the DOS header', 64, 'the file ends inside the PE header'],
    ['in the PE header', 0x80 + 23, 'the file ends inside the PE header'],
    ['in the optional header', 0x98 + 100, 'the file ends inside the optional header'],
    ['in the section table', 0x98 + 240 + 41, 'the file ends inside the section table'],
  ])('%s is refused', async (_, length, why) => {
    await expect(read(whole.subarray(0, length))).rejects.toEqual(malformed(why))
  })

  test('nowhere is whole', async () => {
    await expect(read(whole)).resolves.toMatchObject({ version: 'v1.13.9' })
  })
})

describe('what is no image', () => {
  const row = (name: string) => sectionOf(imageOf(), name).row
  test.each<[string, Uint8Array, string]>([
    ['an empty file', Buffer.alloc(0), 'it is empty'],
    [
      'an error of a few words',
      Buffer.from('internal server error\n'),
      'it is not an EFI program; it starts with "internal server error"',
    ],
    [
      'a page',
      Buffer.from(`<!DOCTYPE html>\n<html><title>404</title>${' '.repeat(200)}</html>`),
      'it is not an EFI program; it starts with "<!DOCTYPE html> <html><title>404</title>"',
    ],
    ['noughts', Buffer.alloc(4096), 'it is not an EFI program; it starts with ""'],
    ['a program for DOS', changed((bytes) => bytes.write('NE', 0x80)), 'there is no PE signature'],
    ['a 32-bit program', changed((bytes) => bytes.writeUInt16LE(0x10b, 0x98)), 'it is not a 64-bit (PE32+) program'],
    ['a program for Windows', changed((bytes) => bytes.writeUInt16LE(3, 0x98 + 68)), 'it is not an EFI application'],
    [
      'an object file',
      changed((bytes) => bytes.writeUInt16LE(0, 0x80 + 20)),
      'the PE header is not that of an EFI program',
    ],
    [
      'a program of a thousand sections',
      changed((bytes) => bytes.writeUInt16LE(1000, 0x80 + 6)),
      'the PE header is not that of an EFI program',
    ],
    [
      'a program without sections',
      changed((bytes) => bytes.writeUInt16LE(0, 0x80 + 6)),
      'it has no section .osrel, .cmdline, .linux, .initrd',
    ],
    [
      'a stub without a kernel',
      changed((bytes) => bytes.write('.other\0\0', row('.linux'), 'latin1')),
      'it has no section .linux',
    ],
    [
      'an image whose initrd is empty',
      changed((bytes) => bytes.writeUInt32LE(0, row('.initrd') + 8)),
      'it has no section .initrd',
    ],
    [
      'an image whose release is as large as its initrd',
      changed(
        (bytes) =>
          bytes.copy(
            bytes,
            row('.osrel') + 8,
            sectionOf(bytes, '.initrd').row + 8,
            sectionOf(bytes, '.initrd').row + 24,
          ),
        imageOf({ fillBytes: 3_000_000 }),
      ),
      'its section .osrel is too large to be text',
    ],
  ])('%s is refused: %#', async (_, bytes, why) => {
    await expect(read(bytes)).rejects.toEqual(malformed(why))
  })
})

describe('an image that was ordered', () => {
  test.each<[string, Parameters<typeof imageOf>[0], Partial<ImageOrder>, string | undefined]>([
    ['is taken', {}, {}, undefined],
    ['may be of the enterprise edition', { osId: 'talos_enterprise' }, {}, undefined],
    [
      'has the arguments of its schematic',
      { extra: ['net.ifnames=0', 'a=1 b=2'] },
      { kernelArguments: ['net.ifnames=0', 'b=2'] },
      undefined,
    ],
    ['lacks what the schematic takes away', { extra: ['-selinux'] }, { kernelArguments: ['-selinux'] }, undefined],
    ['may be for arm64', { arch: 'arm64' }, { architecture: 'arm64' }, undefined],
    ['is not for another processor', { arch: 'arm64' }, {}, 'it is for arm64, and amd64 was ordered'],
    ['is not another release', { version: 'v1.13.8' }, {}, 'it is v1.13.8, and v1.13.9 was ordered'],
    ['is not a pre-release of it', { version: 'v1.13.9-rc.0' }, {}, 'it is v1.13.9-rc.0, and v1.13.9 was ordered'],
    ['is not another system', { osId: 'fedora' }, {}, 'it is not Talos but fedora'],
    [
      'is not for a cloud',
      { cmdline: 'talos.platform=aws console=tty0' },
      {},
      'its command line lacks talos.platform=metal',
    ],
    [
      'is not for a platform of nearly that name',
      { cmdline: 'talos.platform=metalx' },
      {},
      'its command line lacks talos.platform=metal',
    ],
    ['has no empty command line', { cmdline: ' ' }, {}, 'its command line lacks talos.platform=metal'],
    [
      'does not lack what the schematic adds',
      { extra: ['net.ifnames=00'] },
      { kernelArguments: ['net.ifnames=0'] },
      'its command line lacks net.ifnames=0, which the schematic adds',
    ],
  ])('%s', async (_, options, differently, why) => {
    expect(refuseUki(await read(imageOf(options)), { ...order, ...differently })).toBe(why)
  })

  test('says what it is', async () => {
    const nameless = await read(
      changed((bytes) => bytes.fill('#', sectionOf(bytes, '.osrel').offset, sectionOf(bytes, '.osrel').offset + 200)),
    )
    expect(refuseUki(nameless, order)).toBe('it is not Talos but something without a name')
  })
})
