import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { acceptHeld, type KnownBytes, OtherBytes } from '../../../src/core/release/known-bytes.ts'
import { refusal } from '../refusal.ts'
import { sha256, type ShareLab, startShareLab } from './lab.ts'
import { soon } from '../../patience.ts'

let at: ShareLab
const memory = new Map<string, KnownBytes>()
beforeEach(async () => {
  memory.clear()
  at = await startShareLab('127.0.116.3')
  at.share = open()
})
afterEach(() => at[Symbol.asyncDispose]())

const open = () =>
  at.open({
    memory: { recall: (source) => memory.get(source), remember: (known) => void memory.set(known.source, known) },
  })
const only = () => [...memory.values()][0]!
const apart = () => join(at.place('v1.13.9'), '.metal-amd64-uki.efi.part.held')
const downloads = () =>
  at.lab.requests.filter(({ method, path }) => method === 'GET' && path.endsWith('/v1.13.9/metal-amd64-uki.efi')).length

/** The release is staged, pruned by the next one, and asked for again when the Factory builds it otherwise. */
async function stageRebuilt() {
  await at.stage('v1.13.9')
  await at.stage('v1.13.10')
  const surplus = (await at.share.staged()).filter(({ version }) => version === 'v1.13.9')
  await at.share.prune({ images: surplus, names: [] }, soon())
  at.lab.faults.rebuilt = true
  return refusal(at.stage('v1.13.9'))
}

describe('an image of other bytes than its URL answered before', () => {
  test('is kept apart, with both digests told, and machines boot what they booted', async () => {
    const before = sha256(at.image('v1.13.9'))
    const error = await stageRebuilt()
    expect(error).toBeInstanceOf(OtherBytes)
    const now = sha256(at.image('v1.13.9'))
    expect(error.message).toContain(`${at.lab.url}/image/`)
    expect(error.message).toContain(before)
    expect(error.message).toContain(now)
    expect(error.message).toContain(`caretaker stage --accept ${now.slice(0, 16)}`)
    expect((await at.share.staged()).map(({ version }) => version)).toEqual(['v1.13.10'])
    expect(only().held).toMatchObject({ sha256: now, bytes: at.image('v1.13.9').length })
    expect((await stat(apart())).size).toBe(at.image('v1.13.9').length)
  })

  test('is not downloaded over and over', async () => {
    await stageRebuilt()
    const before = await bytesSent()
    expect(await refusal(at.stage('v1.13.9'))).toBeInstanceOf(OtherBytes)
    expect(await bytesSent()).toBe(before)
  })

  test('is staged as it is on the share once a person accepts it', async () => {
    await stageRebuilt()
    memory.set(only().source, acceptHeld(only(), new Date(at.now)))
    const whole = downloads()
    expect(await at.stage('v1.13.9')).toMatchObject({ published: true, sha256: sha256(at.image('v1.13.9')) })
    // Asked who would answer, and no more.
    expect(downloads()).toBe(whole + 1)
    expect(await at.published()).toEqual(at.image('v1.13.9'))
    expect((await at.files()).filter((file) => file.endsWith('.held'))).toEqual([])
  })

  test('that somebody has changed since is downloaded again, and held against what was accepted', async () => {
    await stageRebuilt()
    memory.set(only().source, acceptHeld(only(), new Date(at.now)))
    await writeFile(apart(), 'other')
    expect(await at.stage('v1.13.9')).toMatchObject({ published: true, sha256: only().sha256 })
    expect(await at.published()).toEqual(at.image('v1.13.9'))
  })

  test('is taken again where the first bytes are back a day later', async () => {
    await stageRebuilt()
    at.lab.faults.rebuilt = false
    expect(await refusal(at.stage('v1.13.9'))).toBeInstanceOf(OtherBytes)
    at.now += 25 * 3_600_000
    expect(await at.stage('v1.13.9')).toMatchObject({ published: true })
    expect(only().held).toBeUndefined()
  })

  test('is taken away after a month where nobody accepts it', async () => {
    await stageRebuilt()
    at.now = Date.now() + 31 * 86_400_000
    await at.share.prune({ images: [], names: [] }, soon())
    expect((await at.files()).filter((file) => file.endsWith('.held'))).toEqual([])
  })
})

/** How much the Factory has sent of images: whole ones only. */
async function bytesSent(): Promise<number> {
  return stat(apart()).then(({ mtimeMs }) => mtimeMs)
}

describe('the checksum of a Factory that offers one', () => {
  test('is compared, and remembered as offered', async () => {
    at.lab.faults.checksums = 'right'
    await at.stage('v1.13.9')
    expect(only().proofs).toEqual({ sha256: sha256(at.image('v1.13.9')), hasSignature: true })
  })

  test('that is another one refuses the image, and leaves nothing of it', async () => {
    at.lab.faults.checksums = 'wrong'
    const error = await refusal(at.stage('v1.13.9'))
    expect(error).toMatchObject({ code: 'malformed', message: expect.stringContaining('as the Factory says') })
    expect(await at.files()).toEqual([])
    expect(memory.size).toBe(0)
  })

  test('is asked for once of a Factory that has none', async () => {
    await at.stage('v1.13.9')
    await at.stage('v1.13.10')
    const asked = at.lab.requests.filter(({ path }) => path.endsWith('.sha256') || path.endsWith('.sigstore.json'))
    expect(asked.map(({ method }) => method)).toEqual(['GET', 'HEAD'])
    expect(only().proofs).toEqual({ sha256: undefined, hasSignature: false })
  })

  test('that is no checksum is told', async () => {
    at.lab.faults.checksums = 'html'
    expect(await refusal(at.stage('v1.13.9'))).toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('the checksum of metal-amd64-uki.efi is none: <!DOCTYPE html>'),
    })
  })
})

test('a file in the place of an image that is kept apart, which nobody remembers, changes nothing', async () => {
  await mkdir(at.place('v1.13.9'), { recursive: true })
  await writeFile(apart(), 'left by somebody')
  expect(await at.stage('v1.13.9')).toMatchObject({ published: true })
})
