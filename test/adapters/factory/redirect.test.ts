import type { IncomingMessage, RequestListener } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFactory } from '../../../src/adapters/factory/factory.ts'
import type { Factory } from '../../../src/core/release/ports.ts'
import type { LabFactory } from '../../lab/factory/factory.ts'
import { startHttp } from '../../lab/http.ts'
import { order, startFactoryLab, type FactoryLab } from './lab.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

const address = '127.0.44.27'

let started: FactoryLab
let lab: LabFactory
let factory: Factory
let signal: AbortSignal
let stack: AsyncDisposableStack
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  started = stack.use(await startFactoryLab(address, ['v1.13.9']))
  lab = started.lab
  factory = started.factory
  lab.faults.redirect = true
  signal = soon()
})
afterEach(() => stack.disposeAsync())

const image = () => started.image()
const etagOf = async () => (await factory.open(order, undefined, signal)).etag!

const serve = async (answer: RequestListener) => stack.use(await startHttp(answer, address)).host

test('a download follows the Factory to its storage, and learns there what to resume it by', async () => {
  const download = await factory.open(order, undefined, signal)
  expect(download).toMatchObject({ offset: 0, size: image().length, etag: expect.stringMatching(/^"[0-9a-f]{32}"$/) })
  expect(await buffer(download.body)).toEqual(image())
  expect(lab.requests.slice(-2).map(({ to }) => to)).toEqual(['factory', 'storage'])
})

test('a download that broke off goes on where it was, by a new redirect', async () => {
  const etag = await etagOf()
  const rest = await factory.open(order, { offset: 150_000, etag }, signal)
  expect(rest).toMatchObject({ offset: 150_000, size: image().length, etag })
  expect(await buffer(rest.body)).toEqual(image().subarray(150_000))
  expect(lab.requests.at(-1)).toMatchObject({ to: 'storage', range: 'bytes=150000-' })
})

test('a download whose image was built anew since starts over with the new bytes', async () => {
  const etag = await etagOf()
  const before = image()
  lab.faults.rebuilt = true
  const whole = await factory.open(order, { offset: 150_000, etag }, signal)
  expect(whole.offset).toBe(0)
  expect(whole.etag).not.toBe(etag)
  const bytes = await buffer(whole.body)
  expect(bytes).toEqual(image())
  expect(bytes).not.toEqual(before)
})

test('a redirect that has expired is asked for again, and the resumed download does not notice', async () => {
  const etag = await etagOf()
  lab.faults.presignedExpired = true
  const rest = await factory.open(order, { offset: 1_000, etag }, signal)
  expect(await buffer(rest.body)).toEqual(image().subarray(1_000))
})

test('a storage that refuses every redirect is named, and tried again later', async () => {
  const storage = await serve((_, response) => response.writeHead(403).end('<Code>AccessDenied</Code>'))
  const front = await serve((_, response) => response.writeHead(302, { location: `http://${storage}/assets/x` }).end())
  const error = await refusal(createFactory(`http://${front}`).open(order, undefined, signal))
  expect(error.code).toBe('unreachable')
  expect(error.message).toContain(
    `metal-amd64-uki.efi redirects to ${storage}, which answers 403: <Code>AccessDenied</Code>`,
  )
})

test('a download that had everything already starts over, and does not fail for ever', async () => {
  const etag = await etagOf()
  const whole = await factory.open(order, { offset: image().length, etag }, signal)
  expect(whole.offset).toBe(0)
  expect(await buffer(whole.body)).toEqual(image())
})

test.each([
  ['of other bytes', { etag: '"other"', 'content-range': 'bytes 4-9/10' }],
  ['from another place', { etag: '"mine"', 'content-range': 'bytes 2-9/10' }],
  ['of nobody knows what', { etag: '"mine"' }],
])('a rest that is %s is not taken', async (_, headers) => {
  const front = await serve((request, response) => {
    if (request.headers.range === undefined) response.end('0123456789')
    else response.writeHead(206, headers).end('456789')
  })
  const download = await createFactory(`http://${front}`).open(order, { offset: 4, etag: '"mine"' }, signal)
  expect(download.offset).toBe(0)
  expect((await buffer(download.body)).toString()).toBe('0123456789')
})

test('a weak ETag is none: it does not promise the same bytes', async () => {
  const front = await serve((_, response) => response.setHeader('etag', 'W/"1"').end('bytes'))
  expect((await createFactory(`http://${front}`).open(order, undefined, signal)).etag).toBeUndefined()
})

test('a password in the Factory’s address stays with the Factory', async () => {
  const seen: IncomingMessage[] = []
  const storage = await serve((request, response) => {
    seen.push(request)
    response.end('bytes')
  })
  const front = await serve((request, response) => {
    seen.push(request)
    response.writeHead(302, { location: `http://${storage}/assets/x` }).end()
  })
  await buffer((await createFactory(`http://me:secret@${front}`).open(order, undefined, signal)).body)
  expect(seen.map(({ headers }) => headers.authorization)).toEqual([expect.stringMatching(/^Basic /), undefined])
})

test.each([
  { name: 'without end', location: '/again', words: 'redirects too often' },
  { name: 'to what is no address', location: 'http://[', words: 'redirects to an invalid address: http://[' },
  { name: 'to a file', location: 'file:///etc/passwd', words: 'redirects to an invalid address' },
])('a Factory that redirects $name is malformed', async ({ location, words }) => {
  const front = await serve((_, response) => response.writeHead(302, { location }).end())
  const error = await refusal(createFactory(`http://${front}`).open(order, undefined, signal))
  expect(error).toMatchObject({ code: 'malformed', message: expect.stringContaining(`${front} ${words}`) })
})
