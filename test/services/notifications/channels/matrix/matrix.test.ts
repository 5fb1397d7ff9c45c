import { expect, onTestFinished, test } from 'vitest'
import { open } from '../../../../../src/services/notifications/channels/matrix/channel.ts'
import { config } from '../../../../../src/services/notifications/channels/matrix/config.ts'
import { matrixRefuses, startMatrix } from '../../../../lab/notify/matrix.ts'
import type { WireAnswer } from '../../../../lab/notify/wire.ts'
import { failureOf } from '../../failure.ts'
import { meansWith } from '../../means.ts'
import { buttonWith, messageWith } from '../../outgoing-message.ts'

const { signal } = new AbortController()
const token = 'syt_canary-matrix-token'
const button = buttonWith({ url: 'https://nas.lan/act/canary-button?a=1&b=2' })
const canaries = [token, button.token, 'canary-button']

async function lab({ room = '!room:home.lan', given = token } = {}) {
  const matrix = await startMatrix({ address: '127.0.202.4', token })
  onTestFinished(() => matrix[Symbol.asyncDispose]())
  const channel = await open(
    config.parse({ type: 'matrix', server: matrix.url, token: { file: 'token' }, room }),
    meansWith({ token: given }),
  )
  return { matrix, channel }
}

test('an alert stands in the room as text and as HTML, with its buttons as links', async () => {
  const { matrix, channel } = await lab()
  const message = messageWith({ details: ['w-1: <4 min>'], buttons: [button], link: 'https://nas.lan/' })
  expect(await channel.send(message, signal)).toEqual({ ref: '$event-1' })
  expect(matrix.events).toEqual([
    {
      id: '$event-1',
      room: matrix.room,
      content: {
        msgtype: 'm.text',
        body: `${message.title}\n${message.text}\nw-1: <4 min>\n\nCancel shutdown: ${button.url}\nDetails: https://nas.lan/`,
        format: 'org.matrix.custom.html',
        formatted_body:
          `<b>${message.title}</b><br>${message.text}<br>w-1: &lt;4 min&gt;<br>` +
          '<a href="https://nas.lan/act/canary-button?a=1&amp;b=2">Cancel shutdown</a> · <a href="https://nas.lan/">Details</a>',
        'm.mentions': {},
      },
    },
  ])
})

test.each([
  { about: 'a critical alert', what: {}, isHeard: true },
  { about: 'a warning', what: { severity: 'warning' }, isHeard: true },
  { about: 'a reminder', what: { kind: 'reminder', severity: 'warning' }, isHeard: true },
  { about: 'a digest', what: { kind: 'note', severity: 'info' }, isHeard: false },
  { about: 'the end of an alert', what: { kind: 'settled' }, isHeard: false },
] as const)('whether $about is heard on a phone: $isHeard', async ({ what, isHeard }) => {
  const { matrix, channel } = await lab()
  await channel.send(messageWith(what), signal)
  expect(matrix.heard.length > 0).toBe(isHeard)
})

test('updates take the place of the first message, one after the other', async () => {
  const { matrix, channel } = await lab()
  const { ref } = await channel.send(messageWith(), signal)
  const update = await channel.update!(ref!, messageWith({ id: 'm-2', kind: 'update', text: 'w-1 is off.' }), signal)
  await channel.update!(update.ref!, messageWith({ id: 'm-3', kind: 'settled', title: 'home: mains is back' }), signal)
  expect(matrix.shown.map(({ body }) => body)).toEqual([expect.stringMatching(/^home: mains is back\n/)])
  expect(matrix.events[1]!.content.body).toMatch(/^\* home: /)
  expect(matrix.heard).toEqual(['$event-1'])
})

test('what is sent again because its answer got lost stands there once', async () => {
  const { matrix, channel } = await lab()
  matrix.faults.lostAnswers = 1
  expect(await failureOf(channel.send(messageWith(), signal), canaries)).toMatchObject({ code: 'unreachable' })
  expect(await channel.send(messageWith(), signal)).toEqual({ ref: '$event-1' })
  expect(matrix.events).toHaveLength(1)
})

test('an alias is looked up once, and again when the room is no longer ours', async () => {
  const { matrix, channel } = await lab({ room: '#ups:home.lan' })
  const looks = () =>
    matrix.requests.filter(({ target }) => target.includes('/directory/room/%23ups%3Ahome.lan')).length
  await channel.send(messageWith(), signal)
  await channel.send(messageWith({ id: 'm-2' }), signal)
  expect(looks()).toBe(1)
  matrix.membership = 'none'
  await failureOf(channel.send(messageWith({ id: 'm-3' }), signal), canaries)
  matrix.membership = 'joined'
  await channel.send(messageWith({ id: 'm-4' }), signal)
  expect(looks()).toBe(2)
})

test('an alias that nobody knows is told, and the channel stays', async () => {
  const { matrix, channel } = await lab({ room: '#ups:home.lan' })
  matrix.aliased = undefined
  expect(await failureOf(channel.send(messageWith(), signal), canaries)).toMatchObject({ code: 'misconfigured' })
})

test('an invitation is accepted when it is needed', async () => {
  const { matrix, channel } = await lab()
  matrix.membership = 'invited'
  expect(await channel.send(messageWith(), signal)).toEqual({ ref: '$event-1' })
  expect(matrix.membership).toBe('joined')
})

test('who is not let in says so, until an invitation comes', async () => {
  const { matrix, channel } = await lab()
  matrix.membership = 'none'
  for (const id of ['m-1', 'm-2'])
    expect(await failureOf(channel.send(messageWith({ id }), signal), canaries)).toMatchObject({
      code: 'misconfigured',
    })
  expect(matrix.requests.filter(({ target }) => target.includes('/join/'))).toHaveLength(2)
  expect(matrix.requests.filter(({ target }) => target.includes('/directory/'))).toEqual([])
  matrix.membership = 'invited'
  await channel.send(messageWith({ id: 'm-3' }), signal)
  expect(matrix.events).toHaveLength(1)
})

test('a room that is none is told in the words of the server', async () => {
  const { matrix, channel } = await lab({ room: '!nowhere:home.lan' })
  expect(await failureOf(channel.send(messageWith(), signal), canaries)).toMatchObject({
    code: 'misconfigured',
    message: expect.stringContaining("Can't join remote room"),
  })
  expect(matrix.events).toEqual([])
})

test.each([
  {
    what: 'to join a room',
    refused: [matrixRefuses(403, 'M_FORBIDDEN'), matrixRefuses(400, 'M_UNSUPPORTED_ROOM_VERSION')],
  },
  { what: 'to find an alias', refused: [matrixRefuses(400, 'M_INVALID_PARAM')], room: '#ups:home.lan' },
])('where it is refused $what, the message is not lost', async ({ refused, room }) => {
  const { matrix, channel } = await lab(room === undefined ? {} : { room })
  matrix.faults.next.push(...refused)
  expect(await failureOf(channel.send(messageWith(), signal), canaries)).toMatchObject({ code: 'misconfigured' })
})

test('a room that refuses also who has joined is asked no further', async () => {
  const { matrix, channel } = await lab()
  const refusal = matrixRefuses(403, 'M_FORBIDDEN')
  matrix.faults.next.push(refusal, { status: 200, body: { room_id: matrix.room } }, refusal)
  expect(await failureOf(channel.send(messageWith(), signal), canaries)).toMatchObject({ code: 'misconfigured' })
  expect(matrix.requests).toHaveLength(3)
})

test('a wrong token is told, and never shown', async () => {
  const { channel } = await lab({ given: 'syt_canary-wrong' })
  const failure = await failureOf(channel.send(messageWith(), signal), ['syt_canary-wrong'])
  expect(failure).toMatchObject({ code: 'misconfigured', message: expect.stringContaining('M_UNKNOWN_TOKEN') })
})

test('a long form without end is cut to what an event may hold', async () => {
  const { matrix, channel } = await lab()
  const details = Array.from({ length: 5_000 }, (_, index) => `w-${index}: "🔋" <drained> & off`)
  const { ref } = await channel.send(messageWith({ details, text: '"'.repeat(30_000), buttons: [button] }), signal)
  await channel.update!(ref!, messageWith({ id: 'm-2', details, buttons: [button] }), signal)
  expect(matrix.events).toHaveLength(2)
  expect(matrix.shown[0]!.body).toContain(button.url)
})

test.each<{ what: string; answer: WireAnswer; code: string; after?: number }>([
  {
    what: 'an older server’s limit',
    answer: matrixRefuses(429, 'M_LIMIT_EXCEEDED', { retry_after_ms: 2_345 }),
    code: 'not-now',
    after: 2_345,
  },
  {
    what: 'a limit',
    answer: { ...matrixRefuses(429, 'M_LIMIT_EXCEEDED', { retry_after_ms: 1 }), headers: { 'retry-after': '3' } },
    code: 'not-now',
    after: 3_000,
  },
  { what: 'a limit that does not say', answer: matrixRefuses(429, 'M_LIMIT_EXCEEDED'), code: 'not-now', after: 5_000 },
  { what: 'a message that is too large', answer: matrixRefuses(413, 'M_TOO_LARGE'), code: 'rejected' },
  { what: 'a path that it does not know', answer: matrixRefuses(404, 'M_UNRECOGNIZED'), code: 'misconfigured' },
  { what: 'a failure of the server', answer: matrixRefuses(500, 'M_UNKNOWN'), code: 'unreachable' },
  { what: 'a proxy without its server', answer: { status: 502, body: 'Bad Gateway' }, code: 'unreachable' },
  {
    what: 'a proxy that has lost it',
    answer: { status: 404, body: '404 page not found' },
    code: 'not-now',
    after: 60_000,
  },
  { what: 'a page in its place', answer: { status: 200, body: '<html>' }, code: 'not-now', after: 60_000 },
])('$what means $code', async ({ answer, code, after }) => {
  const { matrix, channel } = await lab()
  matrix.faults.next.push(answer)
  const failure = await failureOf(channel.send(messageWith({ buttons: [button] }), signal), canaries)
  expect({ code: failure.code, after: failure.after }).toEqual({ code, after })
})

test.each(['#ups', 'ups:home.lan', '!a/b', '# ups:home.lan', ''])('“%s” is no room', (room) => {
  expect(config.safeParse({ type: 'matrix', server: 'https://m.lan', token: { env: 'T' }, room }).success).toBe(false)
})

test('a room of version 12, whose id names no server, is one', () => {
  const room = '!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM'
  expect(config.safeParse({ type: 'matrix', server: 'https://m.lan', token: { env: 'T' }, room }).success).toBe(true)
})
