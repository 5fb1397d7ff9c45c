import { expect, onTestFinished, test } from 'vitest'
import { open } from '../../../../../src/services/notifications/channels/gotify/channel.ts'
import { config } from '../../../../../src/services/notifications/channels/gotify/config.ts'
import { gotifyRefuses, startGotify } from '../../../../lab/notify/gotify.ts'
import type { WireAnswer } from '../../../../lab/notify/wire.ts'
import { failureOf } from '../../failure.ts'
import { meansWith } from '../../means.ts'
import { buttonWith, messageWith } from '../../outgoing-message.ts'

const { signal } = new AbortController()
const token = 'A-canary-token0'
const button = buttonWith({ url: 'https://nas.lan/act/canary-button' })
/** What Go's servers answer on a port with TLS to who begins without it. */
const goPlain = 'Client sent an HTTP request to an HTTPS server.\n'
const canaries = [token, button.token, 'canary-button']

async function lab({ path = '', given = token } = {}) {
  const gotify = await startGotify({ address: '127.0.202.1', token, clientToken: 'C-canary-client', path })
  onTestFinished(() => gotify[Symbol.asyncDispose]())
  const means = meansWith({ token: given })
  const channel = await open(
    config.parse({ type: 'gotify', server: gotify.url + path, token: { file: 'token' } }),
    means,
  )
  return { gotify, channel }
}

test('an alert makes a phone sound, and a tap on it leads to its first button', async () => {
  const { gotify, channel } = await lab()
  const message = messageWith({ details: ['w-1: 4 min', 'w-2: 4 min'], buttons: [button], link: 'https://nas.lan/' })
  expect(await channel.send(message, signal)).toEqual({})
  expect(gotify.messages).toEqual([
    {
      id: 1,
      title: message.title,
      message: `${message.text}\nw-1: 4 min\nw-2: 4 min\n\nCancel shutdown: ${button.url}\nDetails: https://nas.lan/`,
      priority: 8,
      extras: { 'client::notification': { click: { url: button.url } } },
    },
  ])
})

test.each([
  { about: 'a critical alert', what: {}, priority: 8 },
  { about: 'a warning', what: { severity: 'warning' }, priority: 5 },
  { about: 'a digest', what: { severity: 'info', kind: 'note' }, priority: 2 },
  { about: 'the end of a critical alert', what: { kind: 'settled' }, priority: 2 },
] as const)('$about has the priority $priority', async ({ what, priority }) => {
  const { gotify, channel } = await lab()
  await channel.send(messageWith(what), signal)
  expect(gotify.messages).toEqual([expect.objectContaining({ priority })])
  expect(gotify.messages[0]).not.toHaveProperty('extras')
})

test('a server below the path of a reverse proxy is reached', async () => {
  const { gotify, channel } = await lab({ path: '/gotify' })
  await channel.send(messageWith(), signal)
  expect(gotify.messages).toHaveLength(1)
})

test('a wrong token is told, and never shown', async () => {
  const { channel } = await lab({ given: 'A-canary-token1' })
  const failure = await failureOf(channel.send(messageWith(), signal), ['A-canary-token1'])
  expect(failure).toMatchObject({ code: 'misconfigured' })
  expect(failure.message).toContain('phone (Gotify at 127.0.202.1')
  expect(failure.message).toContain('Unauthorized: you need to provide a valid access token')
})

test.each<{ what: string; answer: WireAnswer; code: string; after?: number }>([
  { what: 'a message that it refuses', answer: gotifyRefuses(400, 'bad'), code: 'rejected' },
  {
    what: 'a proxy that has lost it',
    answer: { status: 404, body: '404 page not found' },
    code: 'not-now',
    after: 60_000,
  },
  { what: 'another path of it', answer: gotifyRefuses(404, 'page not found'), code: 'misconfigured' },
  { what: 'its own port for TLS', answer: { status: 400, body: goPlain }, code: 'misconfigured' },
  { what: 'a proxy’s own sign-in', answer: { status: 401, body: '<h1>no</h1>' }, code: 'not-now', after: 60_000 },
  { what: 'a form that nobody explains', answer: { status: 400, body: '<h1>Bad Request</h1>' }, code: 'rejected' },
  { what: 'a page in its place', answer: { status: 200, body: '<html>' }, code: 'not-now', after: 60_000 },
  { what: 'a proxy without it', answer: { status: 502, body: 'Bad Gateway' }, code: 'unreachable' },
  { what: 'a proxy’s limit', answer: { status: 429, headers: { 'retry-after': '7' } }, code: 'not-now', after: 7_000 },
  { what: 'a redirect', answer: { status: 301, headers: { location: 'https://x/' } }, code: 'misconfigured' },
])('$what means $code', async ({ answer, code, after }) => {
  const { gotify, channel } = await lab()
  gotify.faults.next.push(answer)
  const failure = await failureOf(channel.send(messageWith({ buttons: [button] }), signal), canaries)
  expect({ code: failure.code, after: failure.after }).toEqual({ code, after })
})

test('the token of a client is told as what it is: it says not whose a message is', async () => {
  const { channel } = await lab({ given: 'C-canary-client' })
  const failure = await failureOf(channel.send(messageWith(), signal), ['C-canary-client'])
  expect(failure).toMatchObject({
    code: 'misconfigured',
    message: expect.stringMatching(/use the token of an application$/),
  })
})

test('a long form without end is sent once, with its ways on, and its answer, which repeats it, is understood', async () => {
  const { gotify, channel } = await lab()
  const details = Array.from({ length: 9_000 }, (_, index) => `w-${index}: <"drained">\u0001 ü 🔋`)
  await channel.send(messageWith({ title: 'x'.repeat(5_000), details, buttons: [button] }), signal)
  expect(gotify.messages).toHaveLength(1)
  expect(gotify.messages[0]!.message).toMatch(/…\n\nCancel shutdown: https:\/\/nas\.lan\/act\/canary-button$/)
})

test('a server that repeats what it got gives no secret away', async () => {
  const { gotify, channel } = await lab()
  gotify.faults.next.push({
    status: 400,
    body: `${token} ${button.token} ${button.url} ${encodeURIComponent(button.url!)}`,
  })
  expect(await failureOf(channel.send(messageWith({ buttons: [button] }), signal), canaries)).toMatchObject({
    code: 'rejected',
  })
})

test('a server that is gone, and one that cuts the connection, are tried again', async () => {
  const { gotify, channel } = await lab()
  gotify.faults.lostAnswers = 1
  expect(await failureOf(channel.send(messageWith(), signal), canaries)).toMatchObject({ code: 'unreachable' })
  await gotify[Symbol.asyncDispose]()
  expect(await failureOf(channel.send(messageWith(), signal), canaries)).toMatchObject({ code: 'unreachable' })
})
