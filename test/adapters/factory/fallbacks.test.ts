import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { type NamedFactory, withFallbacks } from '../../../src/adapters/factory/fallbacks.ts'
import { AgentError, type ErrorCode } from '../../../src/core/errors.ts'
import type { Factory } from '../../../src/core/release/ports.ts'
import type { Schematic } from '../../../src/core/release/schematic.ts'
import { homelabSchematic, homelabSchematicId } from '../../lab/homelab.ts'
import { refusal } from '../refusal.ts'
import { order } from './lab.ts'

const signal = new AbortController().signal

interface Scripted {
  readonly offers?: readonly string[]
  /** Its own id of every schematic. */
  readonly id?: string
  readonly etag?: string
}

/** A Factory that fails as long as it is told to. Notes what it was asked. */
function scripted(name: string, { offers = ['v1.13.9'], id = homelabSchematicId, etag = '"1"' }: Scripted = {}) {
  const asked: string[] = []
  const state: { fault: ErrorCode | undefined } = { fault: undefined }
  const answer = async <T>(what: string, value: T): Promise<T> => {
    asked.push(what)
    if (state.fault) throw new AgentError(state.fault, `${name} is ${state.fault}`)
    return value
  }
  async function* body() {
    yield Buffer.from(name)
  }
  const factory: Factory = {
    registry: `${name}.test`,
    versions: () => answer('versions', offers),
    withdrawn: () => answer('withdrawn', []),
    catalogue: (version) => answer(`catalogue ${version}`, { version, extensions: [], overlays: [] }),
    register: () => answer('register', { id }),
    warm: ({ schematic }) => answer(`warm ${schematic.slice(0, 4)}`, 100),
    open: ({ schematic }, resume) =>
      answer(`open ${schematic.slice(0, 4)}${resume ? ` from ${resume.offset} ${resume.etag}` : ''}`, {
        offset: resume?.offset ?? 0,
        size: 100,
        etag,
        body: body(),
        source: `https://${name}.test/image`,
        proofs: async () => ({ sha256: undefined, hasSignature: false }),
      }),
  }
  return { asked, state, factory, named: { name: `https://${name}.test`, factory } satisfies NamedFactory }
}

interface Given {
  readonly known?: readonly string[]
  readonly schematicOf?: () => Schematic | undefined
}

function start({ known = [], schematicOf = () => homelabSchematic }: Given = {}) {
  const [first, second] = [scripted('first'), scripted('second', { offers: ['v1.12.11'], id: 'f'.repeat(64) })]
  const told: (string | undefined)[] = []
  const clock = { now: 0 }
  const factory = withFallbacks([first.named, second.named], {
    schematicOf,
    known: () => known,
    told: (why) => told.push(why),
    monotonic: () => clock.now,
  })
  return { first, second, told, clock, factory }
}

describe('of several Factories', () => {
  test('the first is asked, and no other as long as it answers', async () => {
    const { factory, second, told } = start()
    expect(await factory.versions(signal)).toEqual(['v1.13.9'])
    expect((await factory.open(order, undefined, signal)).source).toBe('https://first.test/image')
    expect(second.asked).toEqual([])
    expect(told.every((why) => why === undefined)).toBe(true)
  })

  test('the next one answers where the first does not, and people are told why', async () => {
    const { factory, first, told } = start()
    first.state.fault = 'unreachable'
    expect(await factory.versions(signal)).toEqual(['v1.12.11'])
    expect(told).toEqual([
      'https://first.test does not answer, and https://second.test is asked instead: first is unreachable',
    ])
    first.state.fault = undefined
  })

  test('what a mirror does not offer has not vanished', async () => {
    const { factory, first } = start({ known: ['v1.12.11', 'v1.13.9'] })
    first.state.fault = 'unreachable'
    expect(await factory.versions(signal)).toEqual(['v1.12.11', 'v1.13.9'])
  })

  test('one that did not answer is asked after the others for five minutes, and then first again', async () => {
    const { factory, first, clock, told } = start()
    first.state.fault = 'unreachable'
    await factory.versions(signal)
    first.state.fault = undefined
    await factory.versions(signal)
    expect(first.asked).toHaveLength(1)
    clock.now = 5 * 60_000
    expect(await factory.versions(signal)).toEqual(['v1.13.9'])
    expect(told.at(-1)).toBeUndefined()
  })

  test('one that did not answer is still asked where the others don’t either', async () => {
    const { factory, first, second } = start()
    first.state.fault = 'unreachable'
    await factory.versions(signal)
    first.state.fault = undefined
    second.state.fault = 'unreachable'
    expect(await factory.versions(signal)).toEqual(['v1.13.9'])
  })

  test('an image comes from the next one, which is told the schematic and asked by its own id of it', async () => {
    const { factory, first, second } = start()
    first.state.fault = 'unreachable'
    await factory.warm(order, signal)
    const download = await factory.open(order, undefined, signal)
    expect((await buffer(download.body)).toString()).toBe('second')
    expect(second.asked).toEqual(['register', 'warm ffff', 'register', 'open ffff'])
  })

  test('an image that the first refuses is asked for at the next one', async () => {
    const { factory, first } = start()
    first.state.fault = 'rejected'
    expect((await factory.open(order, undefined, signal)).source).toBe('https://second.test/image')
  })

  test('a schematic that the first refuses is refused', async () => {
    const { factory, first, second } = start()
    first.state.fault = 'rejected'
    expect(await refusal(factory.register(homelabSchematic, signal))).toMatchObject({ code: 'rejected' })
    expect(second.asked).toEqual([])
  })

  test('a schematic is made known where nodes pull installers, also while the others are asked first', async () => {
    const { factory, first, second } = start()
    first.state.fault = 'unreachable'
    expect(await factory.register(homelabSchematic, signal)).toEqual({
      id: 'f'.repeat(64),
      untold: 'first is unreachable',
    })
    first.state.fault = undefined
    expect(await factory.register(homelabSchematic, signal)).toEqual({ id: homelabSchematicId })
    expect(second.asked).toEqual(['register'])
  })

  test('a schematic that nobody here knows is not asked for elsewhere', async () => {
    const { factory, first, second } = start({ schematicOf: () => undefined })
    first.state.fault = 'unreachable'
    expect(await refusal(factory.open(order, undefined, signal))).toMatchObject({ code: 'unreachable' })
    expect(second.asked).toEqual([])
  })

  test('a download goes on only where it began: the same ETag elsewhere may be of other bytes', async () => {
    const { factory, first, second } = start()
    const { etag } = await factory.open(order, undefined, signal)
    await factory.open(order, { offset: 60, etag: etag! }, signal)
    expect(first.asked.at(-1)).toBe('open ca3f from 60 "1"')
    first.state.fault = 'unreachable'
    await factory.open(order, { offset: 60, etag: etag! }, signal)
    expect(second.asked.at(-1)).toBe('open ffff')
  })

  test('all failures are named, and it is tried again where one of them may pass', async () => {
    const { factory, first, second } = start()
    first.state.fault = 'rejected'
    second.state.fault = 'timed-out'
    expect(await refusal(factory.warm(order, signal))).toMatchObject({
      code: 'timed-out',
      message: 'first is rejected; second is timed-out',
    })
  })

  test('none is asked any more for who has called it off', async () => {
    const { factory, first, second } = start()
    first.state.fault = 'unreachable'
    await refusal(factory.versions(AbortSignal.abort()))
    expect(second.asked).toEqual([])
  })

  test('installers come from the first one alone', () => {
    expect(start().factory.registry).toBe('first.test')
  })
})
