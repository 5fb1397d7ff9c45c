import { describe, expect, test } from 'vitest'
import { readUki, refuseUki } from '../../../src/core/release/uki.ts'
import { imageOf, sectionOf, sectionsOf, sourceOf } from './images.ts'

const read = (image: Uint8Array) => readUki(sourceOf(image))
const largest = 1_048_576

/** The image with another name for its first section of this one. */
function renamed(image: Buffer, name: string, to: string): Buffer {
  image.write(to.padEnd(8, '\0'), sectionOf(image, name).row, 'latin1')
  return image
}

describe('the release file of an image', () => {
  const withRelease = (text: string) => {
    const image = imageOf()
    const { offset, rawSize, row } = sectionOf(image, '.osrel')
    image.fill(0, offset, offset + rawSize)
    image.write(text, offset, 'latin1')
    image.writeUInt32LE(text.length, row + 8)
    return image
  }

  test.each([
    { name: 'without quotes', text: 'ID=talos\nVERSION_ID=v1.13.9', version: 'v1.13.9' },
    { name: 'in single quotes', text: "ID='talos'\nVERSION_ID='v1.13.9'\n", version: 'v1.13.9' },
    { name: 'in double ones', text: 'ID="talos"\nVERSION_ID="v1.13.9"\n', version: 'v1.13.9' },
    {
      name: 'with spaces and ends of lines of others',
      text: ' ID=talos\r\n\tVERSION_ID=v1.13.9 \r\n',
      version: 'v1.13.9',
    },
    { name: 'with nothing', text: 'ID=talos\nVERSION_ID=\n', version: '' },
    { name: 'without it', text: '# VERSION_ID=v1\nID=talos\n', version: undefined },
  ])('has its version $name', async ({ text, version }) => {
    const uki = await read(withRelease(text))
    expect(uki.osRelease['ID']).toBe('talos')
    expect(uki.version).toBe(version)
  })
})

describe('the profiles of an image', () => {
  const profiles = ['reset', 'debug', 'halt'].map((id) => ({ id, title: id, cmdline: `talos.platform=metal ${id}\n` }))

  test('have their own command lines, or that of all', async () => {
    const uki = await read(imageOf({ cmdline: 'talos.platform=metal quiet', profiles }))
    expect(uki.profiles.map(({ id, commandLine }) => [id, commandLine])).toEqual([
      ['main', 'talos.platform=metal quiet'],
      ['reset', 'talos.platform=metal reset'],
      ['debug', 'talos.platform=metal debug'],
      ['halt', 'talos.platform=metal halt'],
    ])
  })

  test('share that of another one where there is none for all', async () => {
    const uki = await read(renamed(imageOf({ profiles }), '.cmdline', '.other'))
    expect(uki.profiles.map(({ commandLine }) => commandLine.split(' ')[1])).toEqual([
      'reset',
      'reset',
      'debug',
      'halt',
    ])
    expect(uki.commandLine).toBe('talos.platform=metal reset')
  })

  test('are not there before Talos 1.10', async () => {
    const { profiles: found } = await read(imageOf({ version: 'v1.9.5', cmdline: 'a=1' }))
    expect(found).toEqual([{ id: undefined, title: undefined, commandLine: 'a=1' }])
  })
})

test('what measured boot is bound to is told', async () => {
  expect(await read(imageOf())).toMatchObject({ pcrKey: false, pcrSignatures: 0 })
  const image = renamed(renamed(imageOf(), '.sdmagic', '.pcrpkey'), '.uname', '.pcrsig')
  expect(await read(image)).toMatchObject({ pcrKey: true, pcrSignatures: 1, kernel: undefined })
})

test('an image for SecureBoot is signed', async () => {
  const uki = await read(imageOf())
  const order = { schematic: '', version: 'v1.13.9', architecture: 'amd64', secureBoot: true, kind: 'uki' } as const
  expect(refuseUki({ ...uki, signed: true }, { ...order, kernelArguments: [] })).toBeUndefined()
  expect(refuseUki(uki, { ...order, kernelArguments: [] })).toMatch(/^it is not signed/)
})

test('all text of an image together may have two MiB', async () => {
  const withText = (bytes: number) =>
    imageOf({ cmdline: 'x'.repeat(largest), profiles: [{ id: 'a', title: 'a', cmdline: 'y'.repeat(bytes) }] })
  const small = sectionsOf(withText(1)).map(({ name }) => name)
  const isText = (name: string) => ['.osrel', '.cmdline', '.uname', '.profile'].includes(name)
  const { sections } = await read(withText(1))
  const others = sections.filter(({ name }) => isText(name)).reduce((sum, { bytes }) => sum + bytes, 0) - 1
  expect(small.filter(isText)).toHaveLength(6)
  const most = 2 * largest - others
  expect((await read(withText(most))).profiles.at(-1)?.commandLine).toHaveLength(most)
  await expect(read(withText(most + 1))).rejects.toThrow('its sections of text are too large together')
})
