import type { RequestListener, ServerResponse } from 'node:http'
import { setInterval as every } from 'node:timers/promises'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createFactory, type FactoryLimits } from '../../../src/adapters/factory/factory.ts'
import { startHttp } from '../../lab/http.ts'
import { refusal } from '../refusal.ts'
import { order } from './lab.ts'
import { soon } from '../../patience.ts'

const address = '127.0.44.31'
let stack: AsyncDisposableStack
let signal: AbortSignal
beforeEach(() => {
  stack = new AsyncDisposableStack()
  signal = soon()
})
afterEach(() => stack.disposeAsync())

const serve = async (answer: RequestListener) => stack.use(await startHttp(answer, address)).host
const factoryAt = (host: string, limits: Partial<FactoryLimits> = {}) => createFactory(`http://${host}`, { limits })

/** Sends one byte every few ms, and never ends. */
const drip: RequestListener = (_request, response) => void dripInto(response)

async function dripInto(response: ServerResponse): Promise<void> {
  response.on('error', () => {})
  for await (const _ of every(5)) {
    if (response.destroyed) return
    response.write(' ')
  }
}

describe('a Factory whose answer has no end', () => {
  test('drips its list for ever: it is cut off after a time as a whole, and named', async () => {
    const host = await serve(drip)
    const error = await refusal(factoryAt(host, { answerWithin: 200 }).versions(signal))
    expect(error).toMatchObject({
      code: 'unreachable',
      message: `the answer of ${host} was cut off: not complete within 0.2 s`,
    })
  })

  test('drips its reason for an error for ever: the status says enough', async () => {
    const host = await serve((request, response) => drip(request, response.writeHead(500)))
    const error = await refusal(factoryAt(host, { answerWithin: 200 }).versions(signal))
    expect(error.message).toBe(`GET ${host}/versions answers 500: no reason given`)
  })

  test('drips an image for ever: it is cut off as too slow, and resumed from there later', async () => {
    const host = await serve(drip)
    const { body } = await factoryAt(host, { leastBytes: 1_024, leastWithin: 200 }).open(order, undefined, signal)
    const error = await refusal(buffer(body))
    expect(error).toMatchObject({
      code: 'unreachable',
      message: `the download from ${host} was cut off: less than 1 KiB came within 0.2 s`,
    })
  })

  test('sends a list of more than a MiB: it is refused before it is parsed', async () => {
    const host = await serve((_, response) => response.end(`["${'v1.13.9", "'.repeat(200_000)}"]`))
    const error = await refusal(factoryAt(host).versions(signal))
    expect(error).toMatchObject({ code: 'malformed', message: `the answer of ${host} is larger than 1024 KiB` })
  })
})

test('an image that comes compressed is refused before it is read, and nobody has asked for that', async () => {
  let accepted: string | undefined
  const host = await serve((request, response) => {
    accepted = request.headers['accept-encoding']
    response.writeHead(200, { 'content-encoding': 'gzip' })
    void dripInto(response)
  })
  expect(await refusal(factoryAt(host).open(order, undefined, signal))).toMatchObject({
    code: 'malformed',
    message: `${host} sends the image compressed (gzip), which nobody asked for: see to the proxy before it`,
  })
  expect(accepted).toBe('identity')
})

describe('a Factory that lists too much', () => {
  test('20,000 releases: the newest 2,000 count', async () => {
    const versions = Array.from({ length: 20_000 }, (_, patch) => `v1.13.${patch}`)
    const host = await serve((_, response) => response.end(JSON.stringify(versions)))
    expect(await factoryAt(host).versions(signal)).toEqual(versions.slice(-2_000))
  })

  test('the same release a hundred thousand times: once', async () => {
    const list = JSON.stringify([...Array.from({ length: 80_000 }, () => 'v1.13.9'), 'v1.13.10'])
    const host = await serve((_, response) => response.end(list))
    expect(await factoryAt(host).versions(signal)).toEqual(['v1.13.9', 'v1.13.10'])
  })

  test('releases of 400 digits: none', async () => {
    const long = '9'.repeat(400)
    const list = [`v1.${long}.0`, `v${long}.0.0`, `v1.13.${long}`, `v1.13.0-rc.${long}`, 'v1.13.9']
    const host = await serve((_, response) => response.end(JSON.stringify(list)))
    expect(await factoryAt(host).versions(signal)).toEqual(['v1.13.9'])
  })
})

describe('a Factory that leads elsewhere', () => {
  test.each([
    { to: 'http://169.254.169.254/latest/meta-data', says: 'whose address 169.254.169.254 is link-local' },
    { to: 'http://[fe80::1]/', says: 'whose address fe80::1 is link-local' },
  ])('to $to', async ({ to, says }) => {
    const host = await serve((_, response) => response.writeHead(302, { location: to }).end())
    const error = await refusal(factoryAt(host).versions(signal))
    expect(error).toMatchObject({ code: 'rejected', message: expect.stringContaining(says) })
  })

  test('after a redirect whose own body never ends', async () => {
    const target = await serve((_, response) => response.end('["v1.13.9"]'))
    const host = await serve((request, response) =>
      drip(request, response.writeHead(302, { location: `http://${target}/versions` })),
    )
    expect(await factoryAt(host).versions(signal)).toEqual(['v1.13.9'])
  })
})

test('the time by the clock of the Factory is told with each answer, and that of a copy with its age', async () => {
  const dates = ['Thu, 26 Nov 2026 12:00:00 GMT', 'no date', 'Thu, 26 Nov 2026 12:00:00 GMT']
  const ages = ['0', '0', '3600']
  let count = 0
  const host = await serve((_, response) => {
    response.setHeader('date', dates[count]!)
    response.setHeader('age', ages[count++]!)
    response.end('[]')
  })
  const told: string[] = []
  const factory = createFactory(`http://${host}`, { onDate: (at) => told.push(new Date(at).toISOString()) })
  for (const _ of dates) await factory.versions(signal)
  expect(told).toEqual(['2026-11-26T12:00:00.000Z', '2026-11-26T13:00:00.000Z'])
})

describe('whoever waits no longer is told for whom, and for how long', () => {
  const silent: RequestListener = () => {}
  const halfList: RequestListener = (_, response) => response.write('["v1.13.9"')
  const halfImage: RequestListener = (_, response) => response.writeHead(200, { 'content-length': '9' }).write('x')

  test.each<{ what: string; answer: RequestListener; says: RegExp }>([
    { what: 'no answer', answer: silent, says: /^GET http:\/\/HOST\/versions: not complete within \d+ ms$/ },
    { what: 'half a list', answer: halfList, says: /^the answer of HOST was cut off: not complete within \d+ ms$/ },
  ])('$what', async ({ answer, says }) => {
    const host = await serve(answer)
    const error = await refusal(factoryAt(host).versions(AbortSignal.timeout(200)))
    expect(error.message.replace(host, 'HOST')).toMatch(says)
    expect(error.code).toBe('unreachable')
  })

  test('half an image', async () => {
    const host = await serve(halfImage)
    const { body } = await factoryAt(host).open(order, undefined, AbortSignal.timeout(300))
    const error = await refusal(buffer(body))
    expect(error.message.replace(host, 'HOST')).toMatch(
      /^the download from HOST was cut off: not complete within \d+ ms$/,
    )
  })
})
