import { expect, onTestFinished, test } from 'vitest'
import { open } from '../../../../../src/services/notifications/channels/ntfy/channel.ts'
import { config, type NtfyConfig } from '../../../../../src/services/notifications/channels/ntfy/config.ts'
import { type NtfyCode, ntfyRefuses } from '../../../../lab/notify/ntfy-refusals.ts'
import { type LabNtfyOptions, startNtfy } from '../../../../lab/notify/ntfy.ts'
import type { WireAnswer } from '../../../../lab/notify/wire.ts'
import { meansWith } from '../../means.ts'
import { messageWith } from '../../outgoing-message.ts'

const { signal } = new AbortController()
const secrets = { token: 'tk_canary0123456789', password: 'canary-password' }
const canaries = [...Object.values(secrets), 'canary-topic', 'canary-commands', btoa(`caretaker:${secrets.password}`)]

async function lab(options: LabNtfyOptions = {}, more: Partial<NtfyConfig> = {}) {
  const ntfy = await startNtfy({ address: '127.0.201.3', ...options })
  onTestFinished(() => ntfy[Symbol.asyncDispose]())
  const channel = await open(
    config.parse({ type: 'ntfy', server: ntfy.url, topic: 'canary-topic', commands: 'canary-commands', ...more }),
    meansWith(secrets),
  )
  return { ntfy, send: () => channel.send(messageWith(), signal) }
}

/** How a send fails. */
async function failureOf(sending: Promise<unknown>) {
  const error = await sending.then(
    () => expect.fail('it was sent'),
    (error: unknown) => error as Error & { code: string; after?: number },
  )
  for (const canary of canaries) expect(error.message).not.toContain(canary)
  return error
}

test.each<{ code: NtfyCode; means: string; after?: number }>([
  { code: 42901, means: 'not-now', after: 5_000 },
  { code: 42903, means: 'not-now', after: 60_000 },
  { code: 42908, means: 'not-now', after: 3_600_000 },
  { code: 42909, means: 'not-now', after: 60_000 },
  { code: 40101, means: 'misconfigured' },
  { code: 40301, means: 'misconfigured' },
  { code: 40009, means: 'misconfigured' },
  { code: 40010, means: 'misconfigured' },
  { code: 40014, means: 'rejected' },
  { code: 41303, means: 'rejected' },
  { code: 40401, means: 'misconfigured' },
  { code: 50001, means: 'unreachable' },
  { code: 50701, means: 'unreachable' },
])('refused with $code, the message is told as $means', async ({ code, means, after }) => {
  const { ntfy, send } = await lab()
  ntfy.faults.next.push(ntfyRefuses(code))
  const error = await failureOf(send())
  expect({ code: error.code, after: error.after }).toEqual({ code: means, after })
  expect(error.message).toContain((ntfyRefuses(code).body as { error: string }).error)
})

test.each<{ what: string; answer: WireAnswer; means: string; after?: number }>([
  { what: 'a captive portal', answer: { status: 200, body: '<html>Sign in</html>' }, means: 'not-now', after: 60_000 },
  { what: 'JSON of somebody else', answer: { status: 200, body: { ok: true } }, means: 'not-now', after: 60_000 },
  {
    what: 'an ingress without a backend',
    answer: { status: 404, body: '404 page not found' },
    means: 'not-now',
    after: 60_000,
  },
  { what: 'a proxy without a server', answer: { status: 502, body: '<html>Bad Gateway</html>' }, means: 'unreachable' },
  {
    what: 'a limit that says when',
    answer: { ...ntfyRefuses(42901), headers: { 'retry-after': '17' } },
    means: 'not-now',
    after: 17_000,
  },
  { what: 'a limit of a proxy', answer: { status: 429, body: 'slow down' }, means: 'not-now', after: 60_000 },
  {
    what: 'a redirect, with the topic in its text',
    answer: {
      status: 301,
      headers: { location: 'https://x' },
      body: 'moved: canary-topic canary-commands tk_canary0123456789',
    },
    means: 'misconfigured',
  },
])('$what in its place is told as $means', async ({ answer, means, after }) => {
  const { ntfy, send } = await lab({}, { token: { file: 'token' } })
  ntfy.faults.next.push(answer)
  const error = await failureOf(send())
  expect({ code: error.code, after: error.after }).toEqual({ code: means, after })
})

test('a wrong token is not tried on and on: the server would lock us out', async () => {
  const { send } = await lab({ anonymous: () => 'deny', tokens: ['tk_other'] }, { token: { file: 'token' } })
  for (let count = 0; count < 30; count += 1) expect((await failureOf(send())).code).toBe('misconfigured')
  expect(await failureOf(send())).toMatchObject({ code: 'not-now', after: 60_000 })
})

test('a day without messages left is asked for each hour', async () => {
  const { send } = await lab({ daily: 1 })
  await send()
  expect(await failureOf(send())).toMatchObject({ code: 'not-now', after: 3_600_000 })
})

test('a topic is not shown either where there is none for commands', async () => {
  const { ntfy, send } = await lab({}, { commands: undefined })
  ntfy.faults.next.push({ status: 400, body: 'canary-topic' })
  expect((await failureOf(send())).message).toMatch(/HTTP 400: …$/)
})

test('a proxy that shows what it was sent does not show our password to anybody', async () => {
  const { ntfy, send } = await lab({}, { user: 'caretaker', password: { file: 'password' } })
  const encoded = btoa(`caretaker:${secrets.password}`)
  ntfy.faults.next.push({ status: 403, body: `no: Basic ${encoded} is ${secrets.password}` })
  expect((await failureOf(send())).message).toMatch(/HTTP 403: no: Basic … is …$/)
})

test('a server that is gone is tried again', async () => {
  const { ntfy, send } = await lab()
  await ntfy[Symbol.asyncDispose]()
  expect((await failureOf(send())).code).toBe('unreachable')
})

test('a burst is refused after 60 requests, and taken again 5 s later', async () => {
  let now = Date.parse('2026-11-26T02:00:00Z')
  const { send } = await lab({ now: () => new Date(now) })
  for (let count = 0; count < 60; count += 1) await send()
  expect(await failureOf(send())).toMatchObject({ code: 'not-now', after: 5_000 })
  now += 5_000
  await send()
})
