import { describe, expect, test } from 'vitest'
import type { ImageOrder } from '../../../src/core/release/image.ts'
import { readUki, refuseUki } from '../../../src/core/release/uki.ts'
import { imageOf, sectionOf, sectionsOf, sourceOf } from './images.ts'

const read = (bytes: Uint8Array) => readUki(sourceOf(bytes))
const order: ImageOrder = {
  schematic: 'c'.repeat(64),
  version: 'v1.13.9',
  architecture: 'amd64',
  secureBoot: false,
  kind: 'uki',
  kernelArguments: [],
}
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
    const cmdline = 'talos.platform=metal'
    const reset = { id: 'reset', title: 'Reset', cmdline: 'talos.platform=metal talos.experimental.wipe=system' }
    const uki = await read(imageOf({ cmdline, profiles: [reset] }))
    expect(uki.commandLine).toBe(cmdline)
    expect(uki.profiles).toEqual([
      { id: 'main', title: undefined, commandLine: cmdline },
      { id: 'reset', title: 'Reset', commandLine: reset.cmdline },
    ])
  })

  test('with a certificate is signed', async () => {
    const image = imageOf()
    image.writeUInt32LE(image.length, 0x98 + 144)
    image.writeUInt32LE(8, 0x98 + 148)
    expect((await read(Buffer.concat([image, Buffer.alloc(8)]))).signed).toBe(true)
    await expect(read(image)).rejects.toEqual(
      malformed(`it is truncated: ${image.length + 8} bytes expected, ${image.length} present`),
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
      malformed(`it is truncated: ${whole.length} bytes expected, ${length} present`),
    )
  })

  test.each([
    { name: 'nowhere in the DOS header', length: 2, why: 'the file ends inside the DOS header' },
    { name: 'at the end of the DOS header', length: 64, why: 'the file ends inside the PE header' },
    { name: 'in the PE header', length: 0x80 + 23, why: 'the file ends inside the PE header' },
    { name: 'in the optional header', length: 0x98 + 100, why: 'the file ends inside the optional header' },
    { name: 'in the section table', length: 0x98 + 240 + 41, why: 'the file ends inside the section table' },
  ])('$name is refused', async ({ length, why }) => {
    await expect(read(whole.subarray(0, length))).rejects.toEqual(malformed(why))
  })

  test('nowhere is whole', async () => {
    await expect(read(whole)).resolves.toMatchObject({ version: 'v1.13.9' })
  })
})

describe('what is no image', () => {
  const row = (name: string) => sectionOf(imageOf(), name).row
  test.each<{ name: string; bytes: Uint8Array; why: string }>([
    { name: 'an empty file', bytes: Buffer.alloc(0), why: 'it is empty' },
    {
      name: 'an error of a few words',
      bytes: Buffer.from('internal server error\n'),
      why: 'it is not an EFI program; it starts with "internal server error"',
    },
    {
      name: 'a page',
      bytes: Buffer.from(`<!DOCTYPE html>\n<html><title>404</title>${' '.repeat(200)}</html>`),
      why: 'it is not an EFI program; it starts with "<!DOCTYPE html> <html><title>404</title>"',
    },
    { name: 'noughts', bytes: Buffer.alloc(4096), why: 'it is not an EFI program; it starts with ""' },
    { name: 'a program for DOS', bytes: changed((bytes) => bytes.write('NE', 0x80)), why: 'there is no PE signature' },
    {
      name: 'a 32-bit program',
      bytes: changed((bytes) => bytes.writeUInt16LE(0x10b, 0x98)),
      why: 'it is not a 64-bit (PE32+) program',
    },
    {
      name: 'a program for Windows',
      bytes: changed((bytes) => bytes.writeUInt16LE(3, 0x98 + 68)),
      why: 'it is not an EFI application',
    },
    {
      name: 'an object file',
      bytes: changed((bytes) => bytes.writeUInt16LE(0, 0x80 + 20)),
      why: 'the PE header is not that of an EFI program',
    },
    {
      name: 'a program of a thousand sections',
      bytes: changed((bytes) => bytes.writeUInt16LE(1000, 0x80 + 6)),
      why: 'the PE header is not that of an EFI program',
    },
    {
      name: 'a program without sections',
      bytes: changed((bytes) => bytes.writeUInt16LE(0, 0x80 + 6)),
      why: 'it has no section .osrel, .cmdline, .linux, .initrd',
    },
    {
      name: 'a stub without a kernel',
      bytes: changed((bytes) => bytes.write('.other\0\0', row('.linux'), 'latin1')),
      why: 'it has no section .linux',
    },
    {
      name: 'an image whose initrd is empty',
      bytes: changed((bytes) => bytes.writeUInt32LE(0, row('.initrd') + 8)),
      why: 'it has no section .initrd',
    },
    {
      name: 'an image whose command line is larger than a MiB',
      bytes: imageOf({ cmdline: 'x'.repeat(1_048_577) }),
      why: 'its section .cmdline is too large to be text',
    },
  ])('$name is refused: %#', async ({ bytes, why }) => {
    await expect(read(bytes)).rejects.toEqual(malformed(why))
  })
})

describe('an image that was requested', () => {
  test.each<{
    name: string
    options?: Parameters<typeof imageOf>[0]
    differently?: Partial<ImageOrder>
    why: string | undefined
  }>([
    { name: 'is taken', why: undefined },
    { name: 'may be of the enterprise edition', options: { osId: 'talos_enterprise' }, why: undefined },
    {
      name: 'has the arguments of its schematic',
      options: { extra: ['net.ifnames=0', 'a=1 b=2'] },
      differently: { kernelArguments: ['net.ifnames=0', 'b=2'] },
      why: undefined,
    },
    {
      name: 'lacks what the schematic takes away',
      options: { extra: ['-selinux'] },
      differently: { kernelArguments: ['-selinux'] },
      why: undefined,
    },
    { name: 'may be for arm64', options: { arch: 'arm64' }, differently: { architecture: 'arm64' }, why: undefined },
    {
      name: 'is not for another processor',
      options: { arch: 'arm64' },
      why: 'it is for arm64, and amd64 was requested',
    },
    {
      name: 'is not another release',
      options: { version: 'v1.13.8' },
      why: 'it is v1.13.8, and v1.13.9 was requested',
    },
    {
      name: 'is not a pre-release of it',
      options: { version: 'v1.13.9-rc.0' },
      why: 'it is v1.13.9-rc.0, and v1.13.9 was requested',
    },
    { name: 'is not another system', options: { osId: 'fedora' }, why: 'it is not Talos but fedora' },
    {
      name: 'is not for a cloud',
      options: { cmdline: 'talos.platform=aws console=tty0' },
      why: 'its command line lacks talos.platform=metal',
    },
    {
      name: 'is not for a platform of nearly that name',
      options: { cmdline: 'talos.platform=metalx' },
      why: 'its command line lacks talos.platform=metal',
    },
    {
      name: 'has no empty command line',
      options: { cmdline: ' ' },
      why: 'its command line lacks talos.platform=metal',
    },
    {
      name: 'does not lack what the schematic adds',
      options: { extra: ['net.ifnames=00'] },
      differently: { kernelArguments: ['net.ifnames=0'] },
      why: 'its command line lacks net.ifnames=0, which the schematic adds',
    },
  ])('$name', async ({ options = {}, differently = {}, why }) => {
    expect(refuseUki(await read(imageOf(options)), { ...order, ...differently })).toBe(why)
  })

  test('says what it is', async () => {
    const nameless = await read(
      changed((bytes) => bytes.fill('#', sectionOf(bytes, '.osrel').offset, sectionOf(bytes, '.osrel').offset + 200)),
    )
    expect(refuseUki(nameless, order)).toBe('it is not Talos but something without a name')
  })
})
