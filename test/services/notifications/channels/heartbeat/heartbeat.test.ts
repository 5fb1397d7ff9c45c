import { setImmediate } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { ChannelMeans } from '../../../../../src/services/notifications/channel.ts'
import { open } from '../../../../../src/services/notifications/channels/heartbeat/channel.ts'
import { config } from '../../../../../src/services/notifications/channels/heartbeat/config.ts'
import { startHealthchecks } from '../../../../lab/notify/healthchecks.ts'
import type { WireAnswer } from '../../../../lab/notify/wire.ts'
import { failureOf } from '../../failure.ts'
import { meansWith } from '../../means.ts'
import { buttonWith, messageWith } from '../../outgoing-message.ts'

const critical = { critical: true, text: 'the UPS rack is on battery' }
const start = Date.parse('2026-11-26T02:00:00Z')

interface Step {
  /** In s since the start. */
  readonly at: number
  readonly happens: () => unknown
}

async function lab({ more = {}, hosted = false, wrong = false, path = (url: string) => url } = {}) {
  const checks = await startHealthchecks('127.0.202.6', { hosted })
  onTestFinished(() => checks[Symbol.asyncDispose]())
  const world = { now: start, worst: undefined as ReturnType<ChannelMeans['worst']> }
  const url = path(wrong ? checks.pingUrl.replace('5bf6', 'aaaa') : checks.pingUrl)
  const base = meansWith({ url }, () => new Date(world.now))
  const means = { ...base, worst: () => world.worst }
  const channel = await open(config.parse({ type: 'heartbeat', url: { file: 'url' }, ...more }), means)

  /** Beats for so many seconds of its own time; pauses pass at once. */
  const beat = async (seconds: number, steps: readonly Step[] = []) => {
    const ends = new AbortController()
    const waiting = [...steps]
    const beating = await open(config.parse({ type: 'heartbeat', url: { file: 'url' }, ...more }), {
      ...means,
      pause: async (ms) => {
        await setImmediate()
        world.now += ms
        const since = (world.now - start) / 1_000
        while (waiting[0] && waiting[0].at <= since) await waiting.shift()!.happens()
        if (since >= seconds) ends.abort()
      },
    })
    await beating.run!(ends.signal)
  }
  return { checks, channel, world, beat, lines: base.lines, url }
}

const { signal } = new AbortController()
const kindsOf = (pings: readonly { readonly kind: string }[]) => pings.map(({ kind }) => kind)

test('it pings every five minutes while nothing critical is open', async () => {
  const { checks, beat } = await lab()
  await beat(899)
  expect(checks.pings).toEqual(Array.from({ length: 3 }, () => ({ kind: 'success', body: 'nothing is open' })))
})

test('a critical alert is told within seconds, goes on as failed, and is over as soon', async () => {
  const { checks, world, beat } = await lab()
  const told: { at: number; status: string }[] = []
  const look = (at: number) => ({ at, happens: () => told.push({ at, status: checks.status }) })
  await beat(800, [
    { at: 30, happens: () => (world.worst = critical) },
    look(50),
    look(400),
    { at: 500, happens: () => (world.worst = undefined) },
    look(520),
  ])
  expect(told).toEqual([
    { at: 50, status: 'down' },
    { at: 400, status: 'down' },
    { at: 520, status: 'up' },
  ])
  expect(kindsOf(checks.pings)).toEqual(['success', 'fail', 'fail', 'success'])
  expect(checks.pings[1]!.body).toBe(critical.text)
})

test('a warning, and a critical alert where that is set, leave it a success with their text', async () => {
  const { checks, world, beat } = await lab({ more: { fail: false } })
  world.worst = critical
  await beat(250)
  expect(checks.pings).toEqual([{ kind: 'success', body: critical.text }])
})

test('what flaps is pinged five times a minute at most, and how it ends is told', async () => {
  const { checks, world, beat } = await lab()
  const flips = Array.from({ length: 11 }, (_, index) => ({
    at: index * 10 + 10,
    happens: () => (world.worst = world.worst ? undefined : critical),
  }))
  const counts: number[] = []
  await beat(140, [
    ...flips.slice(0, 5),
    { at: 59, happens: () => counts.push(checks.requests.length) },
    ...flips.slice(5),
  ])
  expect(counts).toEqual([5])
  expect(checks.status).toBe('down')
})

test('a server that is down is logged once each time, tried in its turn, and heard again', async () => {
  const { checks, beat, lines } = await lab()
  const down = { status: 502 }
  checks.faults.next.push(down, down)
  await beat(1_500, [{ at: 700, happens: () => checks.faults.next.push(down) }])
  expect(checks.requests).toHaveLength(5)
  expect(lines).toEqual([
    expect.stringMatching(/^warn phone \(heartbeat to .*HTTP 502; it is tried again in its turn$/),
    'info phone: the heartbeat is heard again',
    expect.stringContaining('HTTP 502'),
    'info phone: the heartbeat is heard again',
  ])
})

test.each([
  { about: 'self-hosted', hosted: false },
  { about: 'healthchecks.io, which answers 200', hosted: true },
])('a check that does not exist is told: $about', async ({ hosted }) => {
  const { beat, channel, lines, url } = await lab({ wrong: true, hosted })
  await beat(10)
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(/not found|no such check/)
  expect(lines[0]).not.toContain(new URL(url).pathname.slice(1))
  expect(await failureOf(channel.send(messageWith(), signal), [url])).toMatchObject({ code: 'misconfigured' })
})

test('a check is found by its name too, and one that two share is told', async () => {
  const { checks, beat, channel } = await lab({ path: (url) => new URL('/canary-key/attic', url).href })
  await beat(10)
  await channel.send(messageWith(), signal)
  expect(kindsOf(checks.pings)).toEqual(['success', 'log'])
  const other = await lab({ path: (url) => new URL('/canary-key/twin', url).href })
  await other.beat(10)
  expect(other.lines).toEqual([expect.stringContaining('HTTP 409: ambiguous slug')])
})

test('what is no check’s address is told in a word, and not with a page', async () => {
  const { beat, lines, url } = await lab({ path: (url) => new URL('/canary-nonsense', url).href })
  await beat(10)
  expect(lines).toEqual([expect.stringMatching(/HTTP 404: Not Found; it is tried again in its turn$/)])
  expect(lines[0]).not.toContain(new URL(url).pathname.slice(1))
})

test.each(['start', 'fail', 'log', '0', '255', 'fail/'])(
  'an address that ends with /%s says always the same, and is refused',
  async (end) => {
    const opening = lab({ path: (url) => `${url}/${end}` })
    expect(await failureOf(opening)).toMatchObject({ code: 'misconfigured', message: expect.stringContaining('.url') })
  },
)

test('messages are written to its log, and leave the check as it is', async () => {
  const { checks, channel, beat } = await lab()
  await beat(10)
  const button = buttonWith({ url: 'https://nas.lan/act/1' })
  expect(await channel.send(messageWith({ buttons: [button] }), signal)).toEqual({})
  expect(checks.pings[1]).toEqual({
    kind: 'log',
    body: expect.stringMatching(/^home: the UPS rack is on battery\nw-1 and/),
  })
  expect(checks.status).toBe('up')
})

test('of five pings a minute messages leave one to the heartbeat', async () => {
  const { checks, channel, world } = await lab()
  for (const id of ['m-1', 'm-2', 'm-3', 'm-4']) await channel.send(messageWith({ id }), signal)
  world.now += 10_000
  expect(await failureOf(channel.send(messageWith({ id: 'm-5' }), signal))).toMatchObject({
    code: 'not-now',
    after: 50_000,
  })
  expect(checks.requests).toHaveLength(4)
  const ends = new AbortController()
  const beating = channel.run!(ends.signal)
  await expect.poll(() => checks.pings.at(-1)?.kind).toBe('success')
  ends.abort()
  await beating
  world.now += 50_000
  await channel.send(messageWith({ id: 'm-5' }), signal)
})

test('messages are left out where that is set', async () => {
  const { checks, channel } = await lab({ more: { messages: false } })
  expect(await channel.send(messageWith(), signal)).toEqual({})
  expect(checks.requests).toEqual([])
})

test.each<{ what: string; answer: WireAnswer; code: string; after?: number }>([
  { what: 'a malformed address', answer: { status: 400, body: 'invalid url format' }, code: 'misconfigured' },
  { what: 'a name that two checks have', answer: { status: 409, body: 'ambiguous slug' }, code: 'misconfigured' },
  { what: 'a limit in words', answer: { status: 200, body: 'OK (rate limited)' }, code: 'not-now', after: 60_000 },
  { what: 'a limit', answer: { status: 429 }, code: 'not-now', after: 0 },
  { what: 'a page in its place', answer: { status: 200, body: '<html>' }, code: 'unreachable' },
  { what: 'its failure', answer: { status: 500 }, code: 'unreachable' },
])('$what means $code', async ({ answer, code, after }) => {
  const { checks, channel } = await lab()
  checks.faults.next.push(answer)
  const failure = await failureOf(channel.send(messageWith(), signal), [new URL(checks.pingUrl).pathname])
  expect({ code: failure.code, after: failure.after }).toEqual({ code, after })
})

test('a heartbeat ends at once with its signal, also while a ping hangs', async () => {
  const { checks, channel } = await lab()
  checks.faults.hangs = true
  const ends = new AbortController()
  const beating = channel.run!(ends.signal)
  await expect.poll(() => checks.requests.length).toBe(1)
  ends.abort()
  await beating
})

test('a heartbeat more often than every 30 s is refused', () => {
  const parse = (every: string) => config.safeParse({ type: 'heartbeat', url: { env: 'PING' }, every }).success
  expect([parse('10s'), parse('30s')]).toEqual([false, true])
})
