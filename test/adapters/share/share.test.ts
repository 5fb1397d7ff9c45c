import { chmod, mkdir, open, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { homelabSchematicId } from '../../lab/homelab.ts'
import type { StagedImage } from '../../../src/core/release/image.ts'
import { refusal } from '../refusal.ts'
import { bootName, modeOf, orderOf, sha256, type ShareLab, startShareLab, stageOn } from './lab.ts'
import { soon } from '../../patience.ts'

let at: ShareLab
beforeEach(async () => {
  at = await startShareLab('127.0.44.22')
})
afterEach(() => at[Symbol.asyncDispose]())

const refOf = ({ version, schematic, architecture, secureBoot, kind }: StagedImage) => ({
  version,
  schematic,
  architecture,
  secureBoot,
  kind,
})
const versions = async () => (await at.share.staged()).map(({ version }) => version)

describe('publishing an image', () => {
  test('serves it byte for byte under the fixed name, and tells what it is', async () => {
    const image = await at.stage('v1.13.9')
    const bytes = at.image('v1.13.9')
    expect(await at.published()).toEqual(bytes)
    expect(image).toEqual({
      version: 'v1.13.9',
      schematic: homelabSchematicId,
      architecture: 'amd64',
      secureBoot: false,
      kind: 'uki',
      sha256: sha256(bytes),
      bytes: bytes.length,
      stagedAt: expect.stringMatching(/^2026-11-22T03:\d\d:00\.000Z$/),
      path: `talos/v1.13.9/${homelabSchematicId.slice(0, 12)}/${bootName}`,
      publishedAs: [bootName],
      published: true,
    })
    expect(await at.share.staged()).toEqual([image])
  })

  test('takes no second place on the disk: both names are one file', async () => {
    const { path } = await at.stage('v1.13.9')
    const [kept, served] = await Promise.all([stat(join(at.directory, path)), stat(join(at.directory, bootName))])
    expect(served.ino).toBe(kept.ino)
    expect(served.nlink).toBe(2)
  })

  test('leaves a manifest beside the image and beside the fixed name, and nothing else', async () => {
    const { path: _, published: __, publishedAs: ___, ...manifest } = await at.stage('v1.13.9')
    const { bytes, sha256: hash } = manifest
    const read = async (file: string) => JSON.parse(await readFile(join(at.directory, file), 'utf8')) as unknown
    const place = at.place('v1.13.9').slice(at.directory.length + 1)
    expect(await read(join(place, 'manifest.json'))).toEqual({
      ...manifest,
      files: [{ name: bootName, bytes, sha256: hash }],
    })
    const { mtimeMs, ino } = await stat(join(at.directory, bootName))
    expect(await read(`${bootName}.json`)).toEqual({
      ...manifest,
      publishedAt: expect.stringMatching(/^2026-11-22T03:\d\d:00\.000Z$/),
      served: { bytes, sha256: hash, mtimeMs, ino },
      history: [],
    })
    expect(await at.files()).toHaveLength(4)
  })

  test('does not bring again what is there', async () => {
    const first = await at.stage('v1.13.9')
    const asked = at.lab.requests.length
    expect(await at.stage('v1.13.9')).toEqual(first)
    expect(at.lab.requests.length).toBe(asked)
  })

  test('lets a machine that is reading finish with the old image', async () => {
    await at.stage('v1.13.9')
    const before = at.image('v1.13.9')
    const reader = await open(join(at.directory, bootName))
    const buffer = Buffer.alloc(before.length)
    await reader.read(buffer, 0, 1_000, 0)
    await at.stage('v1.13.10')
    await reader.read(buffer, 1_000, before.length - 1_000, 1_000)
    await reader.close()
    expect(buffer).toEqual(before)
    expect(await at.published()).toEqual(at.image('v1.13.10'))
  })

  test('makes everything readable for all, whatever the umask', async () => {
    const before = process.umask(0o077)
    try {
      await at.stage('v1.13.9')
    } finally {
      process.umask(before)
    }
    const place = at.place('v1.13.9')
    for (const directory of [join(at.directory, 'talos'), join(place, '..'), place])
      expect(await modeOf(directory)).toBe('755')
    const files = await at.files()
    expect(await Promise.all(files.map((file) => modeOf(join(at.directory, file))))).toEqual(files.map(() => '644'))
  })

  test('leaves the mode of a directory alone that somebody else made readable', async () => {
    await mkdir(join(at.directory, 'talos'))
    await chmod(join(at.directory, 'talos'), 0o775)
    await at.stage('v1.13.9')
    expect(await modeOf(join(at.directory, 'talos'))).toBe('775')
  })

  test('that crashed between the swap and its manifest is made good by the next one', async () => {
    await at.stage('v1.13.9')
    await at.stage('v1.13.10', { publish: false })
    await rm(join(at.directory, bootName))
    await symlink(join(at.place('v1.13.10'), bootName), join(at.directory, bootName))
    await at.stage('v1.13.10')
    expect(await at.share.staged()).toMatchObject([
      { version: 'v1.13.10', published: true },
      { version: 'v1.13.9', published: false },
    ])
    expect(await at.published()).toEqual(at.image('v1.13.10'))
  })

  test('refuses a kept image whose bytes have changed on the disk, and brings it anew the next time', async () => {
    await at.stage('v1.13.9')
    const { path } = await at.stage('v1.13.10', { publish: false })
    const rotten = await readFile(join(at.directory, path))
    rotten[100_000]! ^= 1
    await writeFile(join(at.directory, path), rotten)
    const error = await refusal(at.stage('v1.13.10'))
    expect(error.code).toBe('malformed')
    expect(error.message).toContain(`${join(at.directory, path)} reads back differently than it was written`)
    expect(await at.published()).toEqual(at.image('v1.13.9'))
    await at.stage('v1.13.10')
    expect(await at.published()).toEqual(at.image('v1.13.10'))
  })

  test('is left out where it is not wanted', async () => {
    await at.stage('v1.13.9')
    const image = await at.stage('v1.13.10', { publish: false })
    expect(image.published).toBe(false)
    expect(await at.published()).toEqual(at.image('v1.13.9'))
    expect(await at.share.staged()).toMatchObject([{ version: 'v1.13.9', published: true }, { version: 'v1.13.10' }])
  })

  test('of what was there unpublished needs no Factory', async () => {
    await at.stage('v1.13.9', { publish: false })
    await at.lab[Symbol.asyncDispose]()
    expect(await at.stage('v1.13.9')).toMatchObject({ published: true })
  })
})

describe('the history', () => {
  test('loses what is surplus, and never what a name serves, whatever is asked', async () => {
    for (const version of ['v1.12.11', 'v1.13.8', 'v1.13.9']) await at.stage(version)
    const images = (await at.share.staged()).filter(({ version }) => version !== 'v1.13.8')
    await at.share.prune({ images: images.map(refOf), names: [] }, soon())
    expect(await versions()).toEqual(['v1.13.9', 'v1.13.8'])
    expect((await at.files()).some((file) => file.includes('v1.12.11'))).toBe(false)
    expect(await at.published()).toEqual(at.image('v1.13.9'))
  })

  test('knows two schematics of one release apart', async () => {
    const { id: other } = await at.factory.register({ customization: { extraKernelArgs: ['quiet'] } }, soon())
    await at.stage('v1.13.9')
    const order = { ...orderOf('v1.13.9'), schematic: other, kernelArguments: ['quiet'] }
    await stageOn(at, order)
    expect(await at.share.staged()).toMatchObject([
      { schematic: other, published: true },
      { schematic: homelabSchematicId, published: false },
    ])
  })

  test('does not see what others put there, nor what is not whole, and leaves it alone', async () => {
    const image = await at.stage('v1.13.9')
    const talos = join(at.directory, 'talos')
    const foreign: Record<string, string> = {
      'README.txt': 'mine',
      'v1.13.8/notes.txt': 'mine too',
      'v1.13.8/half/manifest.json': JSON.stringify(image).slice(0, 60),
      'v1.13.8/null/manifest.json': 'null',
      'v1.13.8/odd/manifest.json': JSON.stringify({ ...image, stagedAt: 5 }),
      'v1.13.8/alone/manifest.json': JSON.stringify(image),
      'v1.13.8/short/manifest.json': JSON.stringify(image),
      [`v1.13.8/short/${bootName}`]: 'cut',
      [`v1.13.8/bare/${bootName}`]: 'no manifest',
    }
    for (const [path, text] of Object.entries(foreign)) {
      await mkdir(join(talos, path, '..'), { recursive: true })
      await writeFile(join(talos, path), text)
    }
    expect(await at.share.staged()).toEqual([image])
    await at.stage('v1.13.10')
    for (const [path, text] of Object.entries(foreign)) expect(await readFile(join(talos, path), 'utf8')).toBe(text)
  })

  test('loses the remains of downloads that were given up a day ago, and keeps younger ones', async () => {
    at.now = Date.now()
    const old = join(at.place('v1.12.11'), `.${bootName}.part`)
    const young = join(at.place('v1.13.8'), `.${bootName}.part`)
    const link = join(at.directory, `.${bootName}.0123abcd.part`)
    for (const file of [old, `${old}.etag`, young, link]) {
      await mkdir(join(file, '..'), { recursive: true })
      await writeFile(file, 'some bytes')
    }
    const yesterday = new Date(at.now - 25 * 3_600_000)
    for (const file of [old, link]) await utimes(file, yesterday, yesterday)
    await at.share.prune({ images: [], names: [] }, soon())
    const files = await at.files()
    expect(files.filter((file) => file.includes('.part'))).toEqual([young.slice(at.directory.length + 1)])
    await expect(stat(join(at.place('v1.12.11'), '..'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('is empty where the share is', async () => {
    expect(await at.share.staged()).toEqual([])
    expect(await at.open({ directory: join(at.directory, 'nowhere') }).staged()).toEqual([])
  })
})
