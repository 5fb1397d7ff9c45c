import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Download, Factory } from '../../../src/core/release/ports.ts'
import { type LabFactory } from '../../lab/factory/factory.ts'
import { order, startFactoryLab, type FactoryLab } from './lab.ts'
import { refusal } from '../refusal.ts'
import { patience, soon } from '../../patience.ts'

const address = '127.0.44.26'

let started: FactoryLab
let lab: LabFactory
let factory: Factory
let signal: AbortSignal
beforeEach(async () => {
  started = await startFactoryLab(address, ['1.13.9', 'v1.12.11', 'v1.14.0-rc.1', 'v1.13.10'])
  lab = started.lab
  factory = started.factory
  signal = soon()
})
afterEach(() => started[Symbol.asyncDispose]())

const bytesOf = ({ body }: Download) => buffer(body)
const image = () => started.image()
const host = () => new URL(lab.url).host
/** What a download brings before it breaks, and how it breaks. */
async function part({ body }: Download): Promise<{ bytes: Buffer; error: unknown }> {
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of body) chunks.push(chunk)
    return { bytes: Buffer.concat(chunks), error: undefined }
  } catch (error) {
    return { bytes: Buffer.concat(chunks), error }
  }
}

describe('warming an image up', () => {
  test('waits for the build and gives the size', async () => {
    lab.faults.buildMs = 150
    const began = performance.now()
    expect(await factory.warm(order, signal)).toBe(image().length)
    expect(performance.now() - began).toBeGreaterThan(140)
    expect(lab.requests.at(-1)).toMatchObject({ method: 'HEAD', to: 'factory' })
  })

  test('that is called off ends at once, and the next one joins the build', async () => {
    lab.faults.buildMs = 2_000
    const first = new AbortController()
    const warming = factory.warm(order, first.signal)
    await vi.waitFor(() => expect(lab.requests.at(-1)?.method).toBe('HEAD'), patience)
    // A second build would not end before the test does.
    lab.faults.buildMs = 3_600_000
    first.abort()
    const ends: string[] = []
    const next = factory.warm(order, signal).finally(() => ends.push('built'))
    expect(await refusal(warming).finally(() => ends.push('called off'))).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('cancelled'),
    })
    expect(await next).toBe(image().length)
    expect(ends).toEqual(['called off', 'built'])
  })

  test.each([
    {
      name: 'an unknown schematic',
      change: { schematic: 'a'.repeat(64) },
      words: 'answers 404: schematic ID "aaaaaaaaaaaa',
    },
    { name: 'a release that was withdrawn', change: { version: 'v1.13.7' }, words: 'version 1.13.7 is not available' },
  ])('of $name is rejected with the reason, though a HEAD is answered without one', async ({ change, words }) => {
    const error = await refusal(factory.warm({ ...order, ...change }, signal))
    expect(error.code).toBe('rejected')
    expect(error.message).toContain(words)
    // Ids of 64 digits in the address would hide the rest of the line.
    expect(error.message).toMatch(/\/image\/[0-9a-f]{12}…\/v1\.13\.\d\/metal-amd64-uki\.efi answers/)
  })
})

describe('what the Factory says no to', () => {
  test.each([
    {
      name: 'an unknown schematic',
      change: { schematic: 'a'.repeat(64) },
      status: 404,
      words: `schematic ID "${'a'.repeat(64)}" not found`,
    },
    {
      name: 'a release that is not there',
      change: { version: 'v1.13.7' },
      status: 404,
      words:
        'error enhancing profile from schematic: error getting official extensions: version 1.13.7 is not available',
    },
  ])('is carried to the operator: $name', async ({ change, status, words }) => {
    const error = await refusal(factory.open({ ...order, ...change }, undefined, signal))
    expect(error.code).toBe('rejected')
    expect(error.message).toContain(`GET ${host()}/image/`)
    expect(error.message).toContain(`answers ${status}: ${words}`)
  })

  test('is carried to the operator: an extension that the release does not have', async () => {
    lab.faults.missingExtensions['v1.13.9'] = ['siderolabs/nut-client']
    const error = await refusal(factory.open(order, undefined, signal))
    expect(error.code).toBe('rejected')
    expect(error.message).toContain(
      'answers 400: error enhancing profile from schematic: official extension "siderolabs/nut-client" is not available for Talos version v1.13.9',
    )
  })

  test.each([500, 502, 503, 504, 429])('with %i is not final', async (status) => {
    lab.faults.failNext.push({ status, body: 'later' })
    expect((await refusal(factory.open(order, undefined, signal))).retryable).toBe(true)
  })
})

describe('a download', () => {
  test('comes straight from the Factory, without anything to resume it by', async () => {
    const download = await factory.open(order, undefined, signal)
    expect(download).toMatchObject({ offset: 0, size: image().length, etag: undefined })
    expect(await bytesOf(download)).toEqual(image())
  })

  test('to be resumed where nothing can be resumed starts over', async () => {
    const download = await factory.open(order, { offset: 1_000, etag: '"abc"' }, signal)
    expect(download.offset).toBe(0)
    expect(await bytesOf(download)).toEqual(image())
  })

  test('that breaks off says so after the bytes that came', async () => {
    lab.faults.cutAfterBytes = 150_000
    const { bytes, error } = await part(await factory.open(order, undefined, signal))
    expect(bytes.length).toBeLessThanOrEqual(150_000)
    expect(bytes).toEqual(image().subarray(0, bytes.length))
    expect(error).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining(`download from ${host()} was cut off`),
    })
  })

  test('that is shorter than announced breaks off too', async () => {
    lab.faults.shortBody = true
    const { bytes, error } = await part(await factory.open(order, undefined, signal))
    expect(bytes.length).toBeLessThanOrEqual(image().length / 2)
    expect(error).toMatchObject({ code: 'unreachable' })
  })

  test('that is called off in the middle ends at once', async () => {
    lab.faults.bytesPerSecond = 20_000
    const stop = new AbortController()
    const { body } = await factory.open(order, undefined, stop.signal)
    const chunks = body[Symbol.asyncIterator]()
    await chunks.next()
    stop.abort()
    // What had arrived already may still be handed out.
    const rest = (async () => {
      while (!(await chunks.next()).done);
    })()
    expect(await refusal(rest)).toMatchObject({ code: 'unreachable' })
  })
})
