import { expect, onTestFinished, test } from 'vitest'
import { open } from '../../../../../src/services/notifications/channels/discord/channel.ts'
import { config } from '../../../../../src/services/notifications/channels/discord/config.ts'
import { discordLimits, discordRefuses, startDiscord } from '../../../../lab/notify/discord.ts'
import type { WireAnswer } from '../../../../lab/notify/wire.ts'
import { failureOf } from '../../failure.ts'
import { meansWith } from '../../means.ts'
import { buttonWith, messageWith } from '../../outgoing-message.ts'

const { signal } = new AbortController()
const token = 'canary-discord-token'
const button = buttonWith({ url: 'https://nas.lan/act/canary-button' })
const canaries = [token, button.token, 'canary-button']

async function lab({ more = {}, query = '' } = {}) {
  const discord = await startDiscord({ address: '127.0.202.2', token })
  onTestFinished(() => discord[Symbol.asyncDispose]())
  const means = meansWith({ url: discord.webhook + query })
  const channel = await open(config.parse({ type: 'discord', url: { file: 'url' }, ...more }), means)
  return { discord, channel }
}

test('an alert says the title where a lock screen shows it, and the rest in colour with links', async () => {
  const { discord, channel } = await lab({ more: { username: 'Caretaker' } })
  const message = messageWith({ details: ['w-1: 4 min'], buttons: [button], link: 'https://nas.lan/' })
  expect(await channel.send(message, signal)).toEqual({ ref: '1001' })
  expect(discord.messages).toHaveLength(1)
  expect(discord.messages[0]!.payload).toEqual({
    username: 'Caretaker',
    content: 'home: the UPS rack is on battery',
    embeds: [
      {
        description:
          'w-1 and w-2 are shut down at 02:05.\nw-1: 4 min\n\n' +
          `[Cancel shutdown](${button.url}) · [Details](https://nas.lan/)`,
        color: 0xc6_28_28,
        timestamp: message.at,
        footer: { text: 'home' },
      },
    ],
    allowed_mentions: { parse: [] },
  })
})

test('what is over takes the place of the alert, in green', async () => {
  const { discord, channel } = await lab()
  const { ref } = await channel.send(messageWith(), signal)
  expect(
    await channel.update!(ref!, messageWith({ id: 'm-2', kind: 'settled', title: 'home: mains is back' }), signal),
  ).toEqual({ ref })
  expect(discord.messages).toHaveLength(1)
  expect(discord.messages[0]).toMatchObject({
    edits: 1,
    payload: { content: 'home: mains is back', embeds: [{ color: 0x2e_7d_32 }] },
  })
})

test('in a thread of a forum a message is sent and replaced', async () => {
  const { discord, channel } = await lab({ query: '?thread_id=77' })
  const { ref } = await channel.send(messageWith(), signal)
  await channel.update!(ref!, messageWith({ kind: 'settled' }), signal)
  expect(discord.messages).toEqual([expect.objectContaining({ thread: '77', edits: 1 })])
})

test('a webhook that says not to wait is waited for all the same', async () => {
  const { discord, channel } = await lab({ query: '?wait=false' })
  const { ref } = await channel.send(messageWith(), signal)
  expect(ref).toBe('1001')
  await channel.update!(ref!, messageWith({ kind: 'settled' }), signal)
  expect(discord.requests.map(({ target }) => new URL(target, discord.url).search)).toEqual(['?wait=true', ''])
})

test('a message that somebody deleted is sent anew', async () => {
  const { discord, channel } = await lab()
  const { ref } = await channel.send(messageWith(), signal)
  discord.delete(ref!)
  expect(await channel.update!(ref!, messageWith({ kind: 'settled' }), signal)).toEqual({ ref: '1002' })
})

test('nobody is called by a name in a text, neither when it is sent nor when it is replaced', async () => {
  const { discord, channel } = await lab()
  const message = messageWith({ title: '@everyone <@123> paused it' })
  const { ref } = await channel.send(message, signal)
  await channel.update!(ref!, message, signal)
  expect(discord.messages[0]).toMatchObject({ edits: 1, mentions: false })
})

test.each([
  { about: 'a long form without end', what: { details: Array.from({ length: 500 }, () => 'w-1: drained _and_ off') } },
  { about: 'a text of marks', what: { text: '*'.repeat(5_000), title: '_'.repeat(100) } },
  { about: 'emojis', what: { text: '🔋'.repeat(5_000), homelab: 'h'.repeat(3_000) } },
])('$about is cut to what Discord takes, and its links stay whole', async ({ what }) => {
  const { discord, channel } = await lab()
  await channel.send(messageWith({ ...what, buttons: [button] }), signal)
  const description = discord.messages[0]!.payload.embeds![0]!.description!
  expect(description).toContain(`…\n\n[Cancel shutdown](${button.url})`)
  expect(description.isWellFormed()).toBe(true)
})

test('marks in a text are shown as they are, and an address stays one', async () => {
  const { discord, channel } = await lab()
  await channel.send(messageWith({ text: '# see https://nas.lan/a_b and w_1*' }), signal)
  expect(discord.messages[0]!.payload.embeds![0]!.description).toBe('\\# see https://nas.lan/a_b and w\\_1\\*')
})

test.each<{ what: string; answer: WireAnswer; code: string; after?: number }>([
  { what: 'a webhook that was deleted', answer: discordRefuses(10_015), code: 'not-found' },
  { what: 'a channel that was deleted', answer: discordRefuses(10_003), code: 'not-found' },
  { what: 'a wrong token', answer: discordRefuses(50_027), code: 'misconfigured' },
  { what: 'a permission that it lacks', answer: discordRefuses(50_013), code: 'misconfigured' },
  { what: 'a form that it refuses', answer: discordRefuses(50_035), code: 'rejected' },
  { what: 'an empty message', answer: discordRefuses(50_006), code: 'rejected' },
  { what: 'a limit in fractions of a second', answer: discordLimits(0.4), code: 'not-now', after: 400 },
  { what: 'a limit in seconds', answer: discordLimits(64.57), code: 'not-now', after: 64_570 },
  {
    what: 'Cloudflare’s limit',
    answer: { status: 429, headers: { 'retry-after': '9' }, body: 'error code: 1015' },
    code: 'not-now',
    after: 9_000,
  },
  { what: 'a limit without end', answer: discordLimits(86_400), code: 'not-now', after: 3_600_000 },
  { what: 'Cloudflare’s refusal', answer: { status: 403, body: 'error code: 1020' }, code: 'not-now', after: 60_000 },
  { what: 'a form that nobody explains', answer: { status: 400, body: '<h1>Bad Request</h1>' }, code: 'rejected' },
  { what: 'a page in its place', answer: { status: 200, body: '<html>' }, code: 'not-now', after: 60_000 },
  {
    what: 'a failure of Discord',
    answer: { status: 500, body: { message: 'Internal Server Error', code: 0 } },
    code: 'unreachable',
  },
  { what: 'an outage of Discord', answer: { status: 503 }, code: 'not-now', after: 0 },
])('$what means $code', async ({ answer, code, after }) => {
  const { discord, channel } = await lab()
  const { ref } = await channel.send(messageWith(), signal)
  discord.faults.next.push(answer, answer)
  const message = messageWith({ buttons: [button] })
  for (const sending of [channel.send(message, signal), channel.update!(ref!, message, signal)])
    expect(await failureOf(sending, canaries)).toMatchObject({ code, after })
})

test('a webhook that was deleted is told as gone, and named without its token', async () => {
  const { discord, channel } = await lab()
  discord.delete('webhook')
  const failure = await failureOf(channel.send(messageWith(), signal), canaries)
  expect(failure).toMatchObject({
    code: 'not-found',
    message: expect.stringMatching(/^phone \(Discord at .*Unknown Webhook \(10015\)/),
  })
})

test.each([
  { about: 'no URL', url: 'canary-discord-token' },
  { about: 'another address', url: 'https://discord.com/channels/1/canary-discord-token' },
  { about: 'the form for Slack', url: 'https://discord.com/api/webhooks/1/canary-discord-token/slack' },
  { about: 'another protocol', url: 'ftp://discord.com/api/webhooks/1/canary-discord-token' },
])('a file that holds $about is reported without what it holds', async ({ url }) => {
  const opening = open(config.parse({ type: 'discord', url: { file: 'url' } }), meansWith({ url }))
  expect(await failureOf(opening, canaries)).toMatchObject({ code: 'misconfigured' })
})
