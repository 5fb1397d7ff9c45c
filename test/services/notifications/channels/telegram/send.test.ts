import { describe, expect, onTestFinished, test } from 'vitest'
import type { OutgoingMessage } from '../../../../../src/services/notifications/channel.ts'
import { open } from '../../../../../src/services/notifications/channels/telegram/channel.ts'
import { config, type TelegramConfig } from '../../../../../src/services/notifications/channels/telegram/config.ts'
import { badRequest, TelegramError, telegramRefuses, tooMany } from '../../../../lab/notify/telegram-refusals.ts'
import { type LabTelegramOptions, startTelegram } from '../../../../lab/notify/telegram.ts'
import type { WireAnswer } from '../../../../lab/notify/wire.ts'
import { meansWith } from '../../means.ts'
import { buttonWith, messageWith } from '../../outgoing-message.ts'

const { signal } = new AbortController()
const token = '123456789:AAcanary-canary_canary0123456789ab'
const family = -987_654
const alice = 4_242

async function lab(more: Partial<TelegramConfig> = {}, options: Partial<LabTelegramOptions> = {}, own = token) {
  const chats: LabTelegramOptions['chats'] = [
    { id: family, type: 'group' },
    { id: alice, type: 'private', username: 'alice' },
    { id: -100_555, type: 'supergroup', username: 'homelab_alerts' },
  ]
  const telegram = await startTelegram({ address: '127.0.201.6', token, chats, ...options })
  onTestFinished(() => telegram[Symbol.asyncDispose]())
  const means = meansWith({ token: own })
  const settings = config.parse({
    type: 'telegram',
    server: telegram.url,
    token: { file: 'token' },
    chat: family,
    ...more,
  })
  const channel = await open(settings, means)
  return {
    telegram,
    means,
    channel,
    send: (what: Partial<OutgoingMessage> = {}) => channel.send(messageWith(what), signal),
    update: (ref: string, what: Partial<OutgoingMessage> = {}) => channel.update!(ref, messageWith(what), signal),
  }
}

test('a power cut is told with a bold title, with what to do, its page and its buttons', async () => {
  const { telegram, send } = await lab()
  await send({ details: ['w-1 at 02:05'], link: 'https://nas.lan:8420/outage', buttons: [buttonWith()] })
  expect(telegram.messages).toMatchObject([
    {
      chat: { id: family },
      text: 'home: the UPS rack is on battery\nw-1 and w-2 are shut down at 02:05.\nw-1 at 02:05\nhttps://nas.lan:8420/outage',
      entities: [{ type: 'bold', offset: 0, length: 'home: the UPS rack is on battery'.length }],
      silent: false,
      preview: false,
      keyboard: [[{ text: 'Cancel shutdown', callback_data: buttonWith().token }]],
    },
  ])
})

test.each([
  { chat: alice, id: alice },
  { chat: String(alice), id: alice },
  { chat: '@homelab_alerts', id: -100_555 },
])('$chat is a chat', async ({ chat, id }) => {
  const { telegram, send } = await lab({ chat })
  await send()
  expect(telegram.messages[0]!.chat.id).toBe(id)
})

test.each([
  '<b>not bold</b> & <script>',
  '*_`[unclosed',
  'a.b-c(d)!',
  '🔋'.repeat(5_000),
  'ż'.repeat(4_096),
  '\u0000\u0007 control',
  '\ud800 half a pair',
])('no text breaks a message: %j', async (text) => {
  const { telegram, send } = await lab()
  await send({ text, details: [text] })
  const [sent] = telegram.messages
  expect(sent!.text.length).toBeLessThanOrEqual(4_096)
  expect(sent!.text.startsWith(`home: the UPS rack is on battery\n${text.toWellFormed().slice(0, 100)}`.trim())).toBe(
    true,
  )
})

test('the page of a long message is not cut off', async () => {
  const { telegram, send } = await lab()
  await send({ text: 'x'.repeat(9_000), link: 'https://nas.lan:8420/outage' })
  expect(telegram.messages[0]!.text).toMatch(/…\nhttps:\/\/nas\.lan:8420\/outage$/)
})

test.each([
  { kind: 'alert', severity: 'critical', silent: false },
  { kind: 'alert', severity: 'warning', silent: false },
  { kind: 'note', severity: 'info', silent: true },
  { kind: 'update', severity: 'critical', silent: true },
  { kind: 'settled', severity: 'critical', silent: false },
  { kind: 'settled', severity: 'warning', silent: true },
] as const)('a $kind that is $severity makes no sound: $silent', async ({ kind, severity, silent }) => {
  const { telegram, send } = await lab()
  await send({ kind, severity })
  expect(telegram.messages[0]!.silent).toBe(silent)
})

describe('what is said later about the same', () => {
  test('takes its place, and its buttons go', async () => {
    const { telegram, send, update } = await lab()
    const { ref } = await send({ buttons: [buttonWith()] })
    expect(await update(ref!, { kind: 'settled', title: 'home: mains power is back' })).toEqual({ ref })
    expect(telegram.messages).toMatchObject([{ edits: 1, keyboard: [] }])
    expect(telegram.messages[0]!.text).toMatch(/^home: mains power is back\n/)
  })

  test('is done when it says the same: the answer to the first attempt was lost', async () => {
    const { telegram, send, update } = await lab()
    const { ref } = await send()
    telegram.faults.lostAnswers = 1
    const settled = { kind: 'settled', title: 'home: mains power is back' } as const
    await expect(update(ref!, settled)).rejects.toMatchObject({ code: 'unreachable' })
    expect(await update(ref!, settled)).toEqual({ ref })
    expect(telegram.messages).toMatchObject([{ edits: 1 }])
  })

  test('is sent anew when somebody has deleted the first', async () => {
    const { telegram, send, update } = await lab()
    const { ref } = await send()
    telegram.remove(telegram.messages[0]!)
    await send({ thread: 'another' })
    await send({ thread: 'third' })
    telegram.remove(telegram.messages[0]!)
    expect((await update(ref!, { kind: 'settled' })).ref).not.toBe(ref)
  })

  test('is sent anew when `chat` was changed: another message has that number there', async () => {
    const { telegram, send, update } = await lab({ chat: alice })
    await send({ title: 'a message to alice' })
    expect(await update(`${family}/1`, { title: 'home: mains power is back' })).toEqual({ ref: `${alice}/2` })
    expect(telegram.messages[0]!.edits).toBe(0)
  })
})

test('a group that has become a supergroup is followed, and said once', async () => {
  const { telegram, means, send, update } = await lab()
  const { ref } = await send()
  telegram.chat(family).movedTo = -100_555
  expect(await update(ref!, { kind: 'settled' })).toEqual({ ref: '-100555/2' })
  await send()
  expect(telegram.messages.map(({ chat }) => chat.id)).toEqual([family, -100_555, -100_555])
  expect(means.lines.filter((line) => line.includes('set `chat` to -100555'))).toHaveLength(1)
})

test('without buttons none are shown, and nothing is listened for', async () => {
  const { telegram, channel, send } = await lab({ buttons: false })
  await send({ buttons: [buttonWith()] })
  expect(telegram.messages[0]!.keyboard).toEqual([])
  expect(channel.listen).toBeUndefined()
})

test.each<{ what: string; answer: WireAnswer; code: string; after?: number; says?: RegExp }>([
  { what: 'a limit', answer: telegramRefuses(tooMany(34)), code: 'not-now', after: 34_000 },
  { what: 'a limit of a day', answer: telegramRefuses(tooMany(86_400)), code: 'not-now', after: 3_600_000 },
  { what: 'a limit without a time', answer: telegramRefuses(new TelegramError(429, '')), code: 'not-now', after: 0 },
  { what: 'a broken server', answer: telegramRefuses(new TelegramError(500, '')), code: 'unreachable' },
  { what: 'a proxy without a server', answer: { status: 502, body: '<html>' }, code: 'unreachable' },
  { what: 'a captive portal', answer: { status: 200, body: '<html>' }, code: 'not-now', after: 60_000 },
  { what: 'an ingress without a backend', answer: { status: 404, body: 'no' }, code: 'not-now', after: 60_000 },
  {
    what: 'an unknown chat',
    answer: telegramRefuses(badRequest('chat not found')),
    code: 'misconfigured',
    says: /`chat`/,
  },
  { what: 'a token that is none', answer: telegramRefuses(new TelegramError(404, '')), code: 'misconfigured' },
  {
    what: 'a proxy that says the token',
    answer: { status: 400, body: `no: ${token}` },
    code: 'rejected',
    says: /no: …$/,
  },
  {
    what: 'a proxy that says half of it',
    answer: { status: 400, body: `no: ${token.slice(10)}` },
    code: 'rejected',
    says: /no: …$/,
  },
  {
    what: 'a bot that was thrown out',
    answer: telegramRefuses(new TelegramError(403, 'bot was kicked')),
    code: 'misconfigured',
  },
  {
    what: 'a message that it does not take',
    answer: telegramRefuses(badRequest('BUTTON_DATA_INVALID')),
    code: 'rejected',
  },
])('$what is told as $code', async ({ answer, code, after, says = /./ }) => {
  const { telegram, send } = await lab()
  telegram.faults.next.push(answer)
  const error = await send().then(
    () => expect.fail('it was sent'),
    (error: unknown) => error,
  )
  expect({ ...(error as object) }).toMatchObject({ code, ...(after === undefined ? {} : { after }) })
  expect((error as Error).message).toMatch(says)
  expect((error as Error).message).not.toMatch(/canary/)
})

test('a chat is not flooded: Telegram says when it takes more', async () => {
  let now = Date.parse('2026-11-26T02:00:00Z')
  const { send } = await lab({}, { burst: 2, now: () => new Date(now) })
  await send()
  await send()
  await expect(send()).rejects.toMatchObject({ code: 'not-now', after: 2_000 })
  now += 2_000
  await send()
})

test.each([
  { what: 'is of another bot', own: '987:AAcanary', says: /401: Unauthorized; the token/ },
  { what: 'has the wrong form', own: 'canary', says: /notifications\.channels\.phone\.token/ },
  { what: 'would be another path', own: '1:AA/canary', says: /notifications\.channels\.phone\.token/ },
])('a token that $what is said, and not shown', async ({ own, says }) => {
  const sending = lab({}, {}, own).then(({ send }) => send())
  const error = await sending.then(
    () => expect.fail('it was sent'),
    (error: unknown) => error as Error,
  )
  expect(error).toMatchObject({ code: 'misconfigured', message: expect.stringMatching(says) })
  expect(error.message).not.toMatch(/canary/)
})

test('a server that is gone is told without the token, which is in its path', async () => {
  const { telegram, send } = await lab()
  await telegram[Symbol.asyncDispose]()
  const error = await send().then(
    () => expect.fail('it was sent'),
    (error: unknown) => error as Error,
  )
  expect(error).toMatchObject({ code: 'unreachable' })
  expect(error.message).not.toMatch(/canary/)
})
