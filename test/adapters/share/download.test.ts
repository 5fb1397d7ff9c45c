import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Factory } from '../../../src/core/release/ports.ts'
import { unproven } from '../../fakes/factory.ts'
import { refusal } from '../refusal.ts'
import { bootName, orderOf, type ShareLab, startShareLab, stageOn } from './lab.ts'
import { patience, soon } from '../../patience.ts'

let at: ShareLab
beforeEach(async () => {
  at = await startShareLab('127.0.44.23')
  at.lab.faults.redirect = true
})
afterEach(() => at[Symbol.asyncDispose]())

const partOf = (version: string) => join(at.place(version), `.${bootName}.part`)
const sizeOf = (path: string) =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  )
/** The ranges that the storage was asked for; '' is the whole file. */
const ranges = () => at.lab.requests.filter(({ to }) => to === 'storage').map(({ range = '' }) => range)
const leftovers = async () => (await at.files()).filter((file) => file.includes('.part'))

/** What an earlier run would have left of a download. */
async function leavePart(version: string, bytes: Buffer, etag?: string): Promise<void> {
  await mkdir(at.place(version), { recursive: true })
  await writeFile(partOf(version), bytes)
  if (etag !== undefined) await writeFile(`${partOf(version)}.etag`, etag)
}

async function etagOf(version: string): Promise<string> {
  const { etag, body } = await at.factory.open(orderOf(version), undefined, soon())
  for await (const _ of body);
  return etag!
}

/** The Factory, each of whose bodies ends after so many bytes. */
function cutting(after: number): { factory: Pick<Factory, 'warm' | 'open'>; offsets: number[] } {
  const offsets: number[] = []
  const { warm, open } = at.factory
  return {
    offsets,
    factory: {
      warm,
      open: (order, resume, signal) => {
        offsets.push(resume?.offset ?? 0)
        at.lab.faults.cutAfterBytes = after
        return open(order, resume, signal)
      },
    },
  }
}

describe('a process that is killed in the middle of a download', () => {
  test('leaves a part that the next one goes on with, and the image is the same byte for byte', async () => {
    at.lab.faults.trickleAfterBytes = 50_000
    const script = join(import.meta.dirname, 'child.ts')
    const child = spawn(process.execPath, [script, at.lab.url, at.directory, 'v1.13.9'], { stdio: 'inherit' })
    const ended = once(child, 'exit')
    await vi.waitFor(async () => expect(await sizeOf(partOf('v1.13.9'))).toBeGreaterThan(20_000), patience)
    process.kill(child.pid!, 'SIGKILL')
    expect(await ended).toEqual([null, 'SIGKILL'])
    const there = await sizeOf(partOf('v1.13.9'))
    expect(there).toBeLessThan(at.image('v1.13.9').length)
    expect(await at.share.staged()).toEqual([])

    at.lab.faults.trickleAfterBytes = undefined
    await at.stage('v1.13.9')
    expect(ranges()).toEqual(['', `bytes=${there}-`])
    expect(await at.published()).toEqual(at.image('v1.13.9'))
    expect(await leftovers()).toEqual([])
  })
})

describe('a part that was left behind', () => {
  test('is overwritten where nothing says what it is a part of', async () => {
    await leavePart('v1.13.9', at.image('v1.13.8').subarray(0, 150_000))
    await at.stage('v1.13.9')
    expect(ranges()).toEqual([''])
    expect(await at.published()).toEqual(at.image('v1.13.9'))
  })

  test('is overwritten where the image was built anew since', async () => {
    const etag = await etagOf('v1.13.9')
    await leavePart('v1.13.9', at.image('v1.13.9').subarray(0, 150_000), etag)
    at.lab.faults.rebuilt = true
    await at.stage('v1.13.9')
    expect(ranges().at(-1)).toBe('bytes=150000-')
    expect(await at.published()).toEqual(at.image('v1.13.9'))
  })

  test('that is the whole image already does no harm', async () => {
    await leavePart('v1.13.9', at.image('v1.13.9'), await etagOf('v1.13.9'))
    await at.stage('v1.13.9')
    expect(await at.published()).toEqual(at.image('v1.13.9'))
  })

  test('without a byte in it is a new download', async () => {
    await leavePart('v1.13.9', Buffer.alloc(0), await etagOf('v1.13.9'))
    await at.stage('v1.13.9')
    expect(ranges().at(-1)).toBe('')
    expect(await at.published()).toEqual(at.image('v1.13.9'))
  })

  test('whose ETag was only half written is overwritten', async () => {
    await leavePart('v1.13.9', at.image('v1.13.8').subarray(0, 1_000), '')
    await at.stage('v1.13.9')
    expect(await at.published()).toEqual(at.image('v1.13.9'))
  })

  test('with a part that was damaged is not published: what is put together is no image', async () => {
    const part = Buffer.from(at.image('v1.13.9').subarray(0, 150_000))
    part.fill(0, 0, 1_000)
    await leavePart('v1.13.9', part, await etagOf('v1.13.9'))
    expect(await refusal(at.stage('v1.13.9'))).toMatchObject({ code: 'malformed' })
    expect(await leftovers()).toEqual([])
    await at.stage('v1.13.9')
    expect(await at.published()).toEqual(at.image('v1.13.9'))
  })
})

describe('a download that breaks off', () => {
  // Some of what came last may be lost with each connection: the image must be larger than that.
  beforeEach(async () => {
    await at[Symbol.asyncDispose]()
    at = await startShareLab('127.0.44.23', { imageBytes: 3_000_000 })
    at.lab.faults.redirect = true
  })

  test('is taken up again at once, as often as it takes within the limit', async () => {
    const { factory, offsets } = cutting(1_200_000)
    await at.stage('v1.13.9', { factory })
    expect(offsets.length).toBeGreaterThanOrEqual(3)
    expect(offsets).toEqual([...new Set(offsets)].toSorted((a, b) => a - b))
    expect(await at.published()).toEqual(at.image('v1.13.9'))
  })

  test('again and again is given up after five more tries, and goes on where it was in the next run', async () => {
    const { factory, offsets } = cutting(400_000)
    const error = await refusal(at.stage('v1.13.9', { factory }))
    expect(error.code).toBe('unreachable')
    expect(error.message).toContain('was cut off')
    expect(offsets).toHaveLength(6)
    expect(offsets).toEqual([...new Set(offsets)].toSorted((a, b) => a - b))
    const there = await sizeOf(partOf('v1.13.9'))
    expect(there).toBeGreaterThan(offsets.at(-1)!)
    at.lab.faults.cutAfterBytes = undefined
    await at.stage('v1.13.9')
    expect(ranges().at(-1)).toBe(`bytes=${there}-`)
    expect(await at.published()).toEqual(at.image('v1.13.9'))
  })

  test('and can’t be resumed is left to the next run', async () => {
    at.lab.faults.redirect = false
    at.lab.faults.cutAfterBytes = 100_000
    expect((await refusal(at.stage('v1.13.9'))).retryable).toBe(true)
    await at.stage('v1.13.9')
    expect(await at.published()).toEqual(at.image('v1.13.9'))
  })

  test('because the agent stops ends at once and keeps what it has', async () => {
    at.lab.faults.trickleAfterBytes = 50_000
    const stop = new AbortController()
    const staging = stageOn(at, orderOf('v1.13.9'), { signal: stop.signal })
    await vi.waitFor(async () => expect(await sizeOf(partOf('v1.13.9'))).toBeGreaterThan(20_000), patience)
    const began = performance.now()
    stop.abort()
    expect((await refusal(staging)).retryable).toBe(true)
    expect(performance.now() - began).toBeLessThan(4_000)
    const there = await sizeOf(partOf('v1.13.9'))
    at.lab.faults.trickleAfterBytes = undefined
    await at.stage('v1.13.9')
    expect(ranges().at(-1)).toBe(`bytes=${there}-`)
    expect(await at.published()).toEqual(at.image('v1.13.9'))
  })

  test('and ends without an error, but too early, counts as broken off', async () => {
    const factory: Pick<Factory, 'warm' | 'open'> = {
      warm: at.factory.warm,
      open: async (order, resume, signal) => {
        const download = await at.factory.open(order, resume, signal)
        return resume ? download : { ...download, body: firstOf(download.body, 50_000) }
      },
    }
    await at.stage('v1.13.9', { factory })
    expect(ranges()).toEqual(['', 'bytes=50000-'])
    expect(await at.published()).toEqual(at.image('v1.13.9'))
  })
})

async function* firstOf(body: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes
  for await (const chunk of body) {
    yield chunk.subarray(0, left)
    left -= chunk.length
    if (left <= 0) return
  }
}

describe('what is no such image', () => {
  const cases: { name: string; break_: (lab: ShareLab['lab']) => void; why: string }[] = [
    {
      name: 'for another processor',
      break_: (lab) => (lab.faults.wrongArch = true),
      why: 'it is for arm64, and amd64 was requested',
    },
    {
      name: 'of another release',
      break_: (lab) => (lab.faults.wrongVersion = 'v1.13.8'),
      why: 'it is v1.13.8, and v1.13.10 was requested',
    },
    {
      name: 'a sign-in page',
      break_: (lab) => (lab.faults.html = true),
      why: 'it is not an EFI program; it starts with "<!DOCTYPE html>',
    },
  ]
  test.each(cases)('is refused where it is $name, and the published image stays', async ({ break_, why }) => {
    await at.stage('v1.13.9')
    const before = await at.files()
    break_(at.lab)
    const error = await refusal(at.stage('v1.13.10'))
    expect(error.code).toBe('malformed')
    expect(error.message).toContain(`the image that the Factory sent for v1.13.10 was rejected: ${why}`)
    Object.assign(at.lab.faults, { wrongArch: false, wrongVersion: undefined, html: false })
    expect(await at.published()).toEqual(at.image('v1.13.9'))
    expect(await at.files()).toEqual(before)
  })

  test('is refused where it lacks a kernel argument of the schematic', async () => {
    const order = { ...orderOf('v1.13.9'), kernelArguments: ['-console', 'net.ifnames=0'] }
    const staging = stageOn(at, order)
    expect((await refusal(staging)).message).toContain('its command line lacks net.ifnames=0, which the schematic adds')
    expect(await at.files()).toEqual([])
  })

  test('is refused where it is cut short and nobody said how long it is', async () => {
    await at.stage('v1.13.9')
    const factory: Pick<Factory, 'warm' | 'open'> = {
      warm: async () => undefined,
      open: async (order, resume, signal) => {
        const download = await at.factory.open(order, resume, signal)
        return { ...download, size: undefined, body: firstOf(download.body, 100_000) }
      },
    }
    const error = await refusal(at.stage('v1.13.10', { factory }))
    expect(error.message).toMatch(/was rejected: it is truncated: \d+ bytes expected, 100000 present/)
    expect(await at.published()).toEqual(at.image('v1.13.9'))
    expect(await leftovers()).toEqual([])
  })

  test('is refused in the Factory’s words where the Factory does not make it', async () => {
    at.lab.faults.missingExtensions['v1.13.9'] = ['siderolabs/i915']
    const error = await refusal(at.stage('v1.13.9'))
    expect(error.code).toBe('rejected')
    expect(error.message).toContain('official extension "siderolabs/i915" is not available for Talos version v1.13.9')
    expect(await leftovers()).toEqual([])
  })

  test('grows no larger on the share than any image of Talos is', async () => {
    const factory: Pick<Factory, 'warm' | 'open'> = {
      warm: async () => undefined,
      open: async () => ({
        offset: 0,
        size: undefined,
        etag: undefined,
        body: endless(partOf('v1.13.9')),
        ...unproven,
      }),
    }
    const error = await refusal(at.stage('v1.13.9', { factory }))
    expect(error).toMatchObject({ code: 'malformed', message: expect.stringContaining('larger than 1 GiB') })
    expect(await leftovers()).toEqual([])
  })
})

/** More than 1 GiB, of which the disk need not hold anything. */
async function* endless(path: string): AsyncGenerator<Uint8Array> {
  const chunk = Buffer.alloc(64 * 1_048_576)
  for (let sent = 0; sent <= 2 ** 30; sent += chunk.length) {
    yield chunk
    await truncate(path, 0)
  }
  expect(await readFile(path)).toHaveLength(0)
}
