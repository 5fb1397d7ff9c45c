import { chmod, copyFile, mkdir, open, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bootName, orderOf, type ShareLab, stageOn, startShareLab } from './lab.ts'
import { soon } from '../../patience.ts'

let at: ShareLab
beforeEach(async () => {
  at = await startShareLab('127.0.113.23', { imageBytes: 50_000 })
  await at.stage('v1.13.9')
})
afterEach(() => at[Symbol.asyncDispose]())

const published = () => join(at.directory, bootName)
const faults = async () => (await at.share.names()).map(({ fault }) => fault)

describe('what something else does to a published file', () => {
  test.each([
    { does: 'takes it away', with: () => rm(published()), says: 'is gone' },
    {
      does: 'writes another',
      with: () => writeFile(published(), 'mine'),
      says: 'has 4 bytes, and SIZE were published',
    },
    {
      does: 'changes a byte in place',
      with: async () => {
        await using file = await open(published(), 'r+')
        await file.write('x', 30_000)
      },
      says: 'has other bytes than were published',
    },
    {
      does: 'puts another of the same size there, as old as the last',
      with: async () => {
        const { mtime, size } = await stat(published())
        await writeFile(`${published()}.new`, Buffer.alloc(size))
        await utimes(`${published()}.new`, mtime, mtime)
        await rename(`${published()}.new`, published())
      },
      says: 'has other bytes than were published',
    },
    {
      does: 'keeps others from reading it',
      with: () => chmod(published(), 0o600),
      says: "can't be read by others any more, such as a TFTP server",
    },
    {
      does: 'makes a folder of it',
      with: async () => {
        await rm(published())
        await mkdir(published())
      },
      says: 'is no file any more',
    },
  ])('is seen where it $does', async ({ with: change, says }) => {
    await change()
    expect((await faults())[0]?.replace(/\d{5}/, 'SIZE')).toBe(says)
  })

  test('is mended by publishing it again', async () => {
    await rm(published())
    await at.stage('v1.13.9')
    expect(await faults()).toEqual([undefined])
    expect(await at.published()).toEqual(at.image('v1.13.9'))
  })

  test('is nothing where only a copy of the same bytes took its place, and it is read but once', async () => {
    await copyFile(published(), `${published()}.copy`)
    await rename(`${published()}.copy`, published())
    expect(await faults()).toEqual([undefined])
    const blind = at.open()
    expect((await blind.names())[0]?.fault).toBeUndefined()
    expect(await blind.staged()).toMatchObject([{ published: true }])
  })
})

test('a name tells what it served before, the last first, and the same image twice is no change', async () => {
  for (const version of ['v1.13.10', 'v1.13.8', 'v1.13.8', 'v1.13.10']) await at.stage(version)
  const [name] = await at.share.names()
  expect(name).toMatchObject({ file: bootName, version: 'v1.13.10' })
  expect(name!.history.map(({ version }) => version)).toEqual(['v1.13.8', 'v1.13.10', 'v1.13.9'])
})

test('going back is one rename, and needs no Factory', async () => {
  await at.stage('v1.13.10')
  await at.lab[Symbol.asyncDispose]()
  await at.share.publish(bootName, orderOf('v1.13.9'), soon())
  expect(await at.published()).toEqual(at.image('v1.13.9'))
})

test('what 0.1.0 has published is known, and so is what it staged', async () => {
  const image = await at.stage('v1.13.9')
  const { path: _, published: __, publishedAs: ___, secureBoot: ____, kind: _____, ...old } = image
  for (const file of [`${published()}.json`, join(at.place('v1.13.9'), 'manifest.json')])
    await writeFile(file, JSON.stringify(old))
  const share = at.open()
  expect(await share.staged()).toEqual([image])
  expect(await share.names()).toMatchObject([{ file: bootName, version: 'v1.13.9', fault: undefined }])
  await stageOn({ share, factory: at.factory }, orderOf('v1.13.10'))
  expect((await share.names())[0]?.history).toMatchObject([{ version: 'v1.13.9' }])
})
