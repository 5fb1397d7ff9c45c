import { describe, expect, onTestFinished, test } from 'vitest'
import type { Channel, OutgoingMessage } from '../../../../../src/services/notifications/channel.ts'
import { open } from '../../../../../src/services/notifications/channels/ntfy/channel.ts'
import { config, type NtfyConfig } from '../../../../../src/services/notifications/channels/ntfy/config.ts'
import { type LabNtfy, type LabNtfyOptions, startNtfy } from '../../../../lab/notify/ntfy.ts'
import { startHttp } from '../../../../lab/http.ts'
import { meansWith } from '../../means.ts'
import { buttonWith, messageWith } from '../../outgoing-message.ts'

const { signal } = new AbortController()
const secrets = { token: 'tk_canary0123456789', password: 'canary-password' }

async function lab(options: LabNtfyOptions = {}, more: Partial<NtfyConfig> = {}) {
  const ntfy = await startNtfy({ address: '127.0.201.1', ...options })
  onTestFinished(() => ntfy[Symbol.asyncDispose]())
  const means = meansWith(secrets)
  const channel = await open(config.parse({ type: 'ntfy', server: ntfy.url, topic: 'canary-topic', ...more }), means)
  return {
    ntfy,
    means,
    channel,
    send: (what: Partial<OutgoingMessage> = {}) => channel.send(messageWith(what), signal),
  }
}

const shownOn = (ntfy: LabNtfy) => ntfy.shown('canary-topic')

test('a power cut is shown loudly, with what to do, and opens its page', async () => {
  const { ntfy, send } = await lab()
  await send({ details: ['w-1 at 02:05', 'w-2 at 02:05'], link: 'https://nas.lan:8420/outage' })
  expect(shownOn(ntfy)).toMatchObject([
    {
      title: 'home: the UPS rack is on battery',
      message: 'w-1 and w-2 are shut down at 02:05.\nw-1 at 02:05\nw-2 at 02:05',
      priority: 5,
      tags: ['rotating_light'],
      click: 'https://nas.lan:8420/outage',
    },
  ])
})

test.each([
  { kind: 'alert', severity: 'critical', priority: 5, tag: 'rotating_light' },
  { kind: 'reminder', severity: 'warning', priority: 4, tag: 'warning' },
  { kind: 'note', severity: 'info', priority: 2, tag: 'information_source' },
  { kind: 'update', severity: 'critical', priority: 3, tag: 'rotating_light' },
  { kind: 'settled', severity: 'critical', priority: 3, tag: 'white_check_mark' },
  { kind: 'settled', severity: 'warning', priority: 2, tag: 'white_check_mark' },
] as const)('a $kind that is $severity has priority $priority', async ({ kind, severity, priority, tag }) => {
  const { ntfy, send } = await lab()
  await send({ kind, severity })
  expect(shownOn(ntfy)).toMatchObject([{ priority, tags: [tag] }])
})

describe('what is said later about the same', () => {
  test('takes the place of what was said before', async () => {
    const { ntfy, channel, send } = await lab()
    const { ref } = await send()
    expect(ref).toBe(messageWith().thread)
    const settled = messageWith({ id: 'm-2', kind: 'settled', title: 'home: mains power is back' })
    expect(await channel.update!(ref!, settled, signal)).toEqual({ ref })
    expect(shownOn(ntfy).map(({ title }) => title)).toEqual(['home: mains power is back'])
  })

  test('leaves another matter alone', async () => {
    const { ntfy, send } = await lab()
    await send()
    await send({ thread: 'ups-silent-rack', title: 'home: the UPS rack is silent' })
    expect(shownOn(ntfy)).toHaveLength(2)
  })

  test('can not replace anything on an old server, which is said once', async () => {
    const { ntfy, means, send } = await lab({ version: '2.13' })
    expect(await send()).toEqual({})
    expect(await send({ kind: 'settled' })).toEqual({})
    expect(shownOn(ntfy)).toHaveLength(2)
    expect(means.lines.filter((line) => line.includes('older than 2.16'))).toHaveLength(1)
  })

  test('is shown once though the answer to it was lost and it was sent again', async () => {
    const { ntfy, send } = await lab()
    ntfy.faults.lostAnswers = 1
    await expect(send()).rejects.toMatchObject({ code: 'unreachable' })
    await send()
    expect(ntfy.messages).toHaveLength(2)
    expect(shownOn(ntfy)).toHaveLength(1)
  })
})

describe('a long message', () => {
  test.each([
    { what: 'of one letter', text: 'a'.repeat(10_000) },
    { what: 'of letters with two bytes', text: 'ż'.repeat(4_000) },
    { what: 'of emojis', text: `x${'🔋'.repeat(2_000)}` },
    { what: 'of quotation marks, which JSON doubles', text: '"'.repeat(4_095) },
    { what: 'of control characters, which JSON makes six times as long', text: '\u0001'.repeat(4_095) },
    { what: 'one byte under what becomes an attachment', text: 'a'.repeat(4_095) },
    { what: 'that becomes an attachment by one byte', text: 'a'.repeat(4_096) },
  ])('$what stays a message, and ends with a whole character', async ({ text }) => {
    const { ntfy, send } = await lab({ attachments: true })
    const buttons = [buttonWith({ url: `https://nas.lan/${'b'.repeat(300)}` })]
    await send({ text, buttons })
    const [shown] = shownOn(ntfy)
    expect(shown!.attachment).toBeUndefined()
    expect(shown!.message).not.toContain('\ufffd')
    expect(shown!.message.endsWith('…')).toBe(shown!.message !== text)
    expect(text.startsWith(shown!.message.replace(/…$/, ''))).toBe(true)
    expect(shown!.message.length).toBeGreaterThan(600)
  })
})

test('a title that is longer than a server takes is cut to a whole character', async () => {
  const { ntfy, send } = await lab()
  await send({ title: 'ü'.repeat(5_000) })
  expect(shownOn(ntfy)[0]!.title).toMatch(/^ü{510}…$/)
})

describe('buttons', () => {
  test('call their page by POST, and the notification goes', async () => {
    const asked: string[] = []
    await using caretaker = await startHttp((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      response.end('done')
    }, '127.0.201.2')
    const { ntfy, send } = await lab()
    await send({ buttons: [buttonWith({ url: `http://${caretaker.host}/act/t0ken` })] })
    const [shown] = shownOn(ntfy)
    expect(await ntfy.press(shown!, 'Cancel shutdown')).toBe(200)
    expect(asked).toEqual(['POST /act/t0ken'])
    expect(shownOn(ntfy)).toEqual([])
  })

  test('send their token to the topic for commands where there is one, which a phone can reach wherever it is', async () => {
    const { ntfy, send } = await lab({}, { commands: 'canary-commands' })
    await send({ buttons: [buttonWith({ url: 'https://nas.lan/act/t0ken' })] })
    await ntfy.press(shownOn(ntfy)[0]!, 'Cancel shutdown')
    expect(ntfy.shown('canary-commands')).toMatchObject([{ message: buttonWith().token }])
  })

  test('are sent to the server by the address that phones know', async () => {
    const { ntfy, send } = await lab({}, { commands: 'canary-commands', phoneServer: 'https://ntfy.example.org/x/' })
    await send({ buttons: [buttonWith()] })
    expect(shownOn(ntfy)[0]!.actions![0]!.url).toBe('https://ntfy.example.org/x/canary-commands')
  })

  test('are left out where nothing could hear them', async () => {
    const { ntfy, channel, send } = await lab()
    expect(channel.listen).toBeUndefined()
    await send({ buttons: [buttonWith()] })
    expect(shownOn(ntfy)[0]!.actions).toBeUndefined()
  })

  test('are three at most: the server refuses more', async () => {
    const { ntfy, send } = await lab({}, { commands: 'canary-commands' })
    await send({ buttons: ['Cancel', 'Pause', 'Wake', 'Approve'].map((label) => buttonWith({ label })) })
    expect(shownOn(ntfy)[0]!.actions!.map(({ label }) => label)).toEqual(['Cancel', 'Pause', 'Wake'])
  })
})

describe('signing in', () => {
  test.each([
    { by: 'a token', config: { token: { file: 'token' } }, server: { tokens: [secrets.token] } },
    {
      by: 'a password',
      config: { user: 'caretaker', password: { file: 'password' } },
      server: { users: { caretaker: secrets.password } },
    },
  ])('works by $by', async ({ config, server }) => {
    const { ntfy, send } = await lab({ ...server, anonymous: () => 'deny' }, config)
    await send()
    expect(shownOn(ntfy)).toHaveLength(1)
  })
})

test.each<{ what: string; config: Record<string, unknown>; secrets?: Record<string, string>; why: RegExp }>([
  {
    what: 'a topic in a file is none',
    config: { topic: { file: 'topic' } },
    secrets: { topic: 'two words' },
    why: /phone\.topic: use letters/,
  },
  {
    what: 'a topic for commands in a file is none',
    config: { commands: { file: 'commands' } },
    secrets: { commands: 'a/b' },
    why: /phone\.commands: use letters/,
  },
  {
    what: 'the password can not be read',
    config: { user: 'caretaker', password: { file: 'password' } },
    why: /phone\.password/,
  },
  {
    what: 'both topics in files are the same',
    config: { topic: { file: 'topic' }, commands: 'same' },
    secrets: { topic: 'same' },
    why: /commands: use a topic other than/,
  },
  {
    what: 'the token can not be read',
    config: { token: { file: 'token' } },
    why: /notifications\.channels\.phone\.token/,
  },
])('the channel does not open where $what', async ({ config: more, secrets = {}, why }) => {
  const settings = config.parse({ type: 'ntfy', server: 'http://127.0.201.1:9', topic: 'canary-topic', ...more })
  const opening: Promise<Channel> = open(settings, meansWith(secrets))
  await expect(opening).rejects.toMatchObject({ code: 'misconfigured', message: expect.stringMatching(why) })
})

test.each<{ what: string; config: Record<string, unknown> }>([
  { what: 'a topic with a slash', config: { topic: 'a/b' } },
  { what: 'a user without a password', config: { user: 'caretaker' } },
  { what: 'a token and a user', config: { token: { file: 'a' }, user: 'caretaker', password: { file: 'b' } } },
  { what: 'one topic for messages and commands', config: { commands: 'canary-topic' } },
  { what: 'a password in the URL', config: { server: 'https://user:pass@ntfy.lan' } },
])('the configuration is refused with $what', ({ config: more }) => {
  expect(config.safeParse({ type: 'ntfy', topic: 'canary-topic', ...more }).success).toBe(false)
})
