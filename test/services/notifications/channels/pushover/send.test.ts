import { expect, test } from 'vitest'
import type { OutgoingMessage } from '../../../../../src/services/notifications/channel.ts'
import { config } from '../../../../../src/services/notifications/channels/pushover/config.ts'
import type { WireAnswer } from '../../../../lab/notify/wire.ts'
import { buttonWith } from '../../outgoing-message.ts'
import { pushoverLab, secrets } from './lab.ts'

const page = 'https://nas.lan:8420/act/t0ken'

/** How a send fails. */
async function failureOf(sending: Promise<unknown>) {
  const error = await sending.then(
    () => expect.fail('it was sent'),
    (error: unknown) => error as Error & { code: string; after?: number },
  )
  expect(error.message).not.toMatch(/canary/)
  return error
}

test('a power cut is shown until somebody confirms it', async () => {
  const { pushover, send } = await pushoverLab()
  const { ref } = await send({ details: ['w-1 at 02:05'] })
  expect(pushover.messages).toEqual([
    {
      ...secrets,
      title: 'home: the UPS rack is on battery',
      message: 'w-1 and w-2 are shut down at 02:05.\nw-1 at 02:05',
      timestamp: String(Date.parse('2026-11-26T02:00:00Z') / 1_000),
      priority: '2',
      retry: '60',
      expire: '3600',
    },
  ])
  expect(ref).toBe(pushover.receipts[0]!.id)
})

test.each<Pick<OutgoingMessage, 'kind' | 'severity'> & { priority: string }>([
  { kind: 'alert', severity: 'critical', priority: '2' },
  { kind: 'reminder', severity: 'critical', priority: '2' },
  { kind: 'alert', severity: 'warning', priority: '0' },
  { kind: 'note', severity: 'info', priority: '-1' },
  { kind: 'update', severity: 'critical', priority: '-1' },
  { kind: 'settled', severity: 'critical', priority: '0' },
  { kind: 'settled', severity: 'warning', priority: '-1' },
])('a $kind that is $severity has priority $priority', async ({ kind, severity, priority }) => {
  const { pushover, send } = await pushoverLab()
  await send({ kind, severity })
  expect(pushover.messages[0]!['priority']).toBe(priority)
})

test('priorities, times, devices and the sound are as configured', async () => {
  const { pushover, send } = await pushoverLab({
    priorities: { critical: 1, warning: 2 },
    retry: '30s',
    expire: '3h',
    device: 'phone,tablet',
    sound: 'siren',
  })
  await send()
  await send({ severity: 'warning' })
  expect(pushover.messages).toMatchObject([
    { priority: '1', device: 'phone,tablet', sound: 'siren' },
    { priority: '2', retry: '30', expire: '10800' },
  ])
  expect(pushover.messages[0]).not.toHaveProperty('retry')
})

test.each([
  { what: 'a retry below 30 s', more: { retry: '29s' } },
  { what: 'an expiry over 3 h', more: { expire: '181m' } },
  { what: 'a priority that there is not', more: { priorities: { critical: 3 } } },
  { what: 'a device with a space', more: { device: 'my phone' } },
])('the configuration is refused with $what', ({ more }) => {
  const access = { token: { file: 'token' }, user: { file: 'user' } }
  expect(config.safeParse({ type: 'pushover', ...access }).success).toBe(true)
  expect(config.safeParse({ type: 'pushover', ...access, ...more }).success).toBe(false)
})

test.each<{ what: string; message: Partial<OutgoingMessage>; shown: object }>([
  {
    what: 'of the most urgent button',
    message: { buttons: [buttonWith({ url: page }), buttonWith({ url: `${page}2` })], link: 'https://nas.lan/more' },
    shown: { url: page, url_title: 'Cancel shutdown' },
  },
  {
    what: 'where there is more, without a button',
    message: { link: 'https://nas.lan/more' },
    shown: { url: 'https://nas.lan/more' },
  },
  {
    what: 'where there is more, if that of the button is too long',
    message: { buttons: [buttonWith({ url: `https://nas.lan/${'x'.repeat(600)}` })], link: 'https://nas.lan/more' },
    shown: { url: 'https://nas.lan/more' },
  },
])('the page $what is linked', async ({ message, shown }) => {
  const { pushover, send } = await pushoverLab()
  await send(message)
  expect(pushover.messages[0]).toMatchObject(shown)
})

test.each([
  { what: 'no page at all', message: { buttons: [buttonWith()] } },
  { what: 'a page with too long an address', message: { link: `https://nas.lan/${'x'.repeat(600)}` } },
])('$what is not linked', async ({ message }) => {
  const { pushover, send } = await pushoverLab()
  await send(message)
  expect(pushover.messages[0]).not.toHaveProperty('url')
  expect(pushover.messages[0]).not.toHaveProperty('url_title')
})

test.each(['a'.repeat(5_000), '🔋'.repeat(2_000), 'a&b=c%20+"\n'.repeat(200)])(
  'a long message is cut to what Pushover takes',
  async (text) => {
    const { pushover, send } = await pushoverLab()
    await send({ text, title: text.slice(0, 400) })
    const { message = '', title = '' } = pushover.messages[0]!
    expect([message.length, title.length]).toEqual([expect.closeTo(1_024, -1), expect.closeTo(250, -1)])
    expect(text.startsWith(message.slice(0, -1))).toBe(true)
    expect(message.endsWith('…') && title.endsWith('…')).toBe(true)
  },
)

test.each<{ what: string; answer: WireAnswer; code: string; after?: number; says?: RegExp }>([
  {
    what: 'a broken server',
    answer: { status: 500, body: { status: 0, errors: ['oops'] } },
    code: 'not-now',
    after: 5_000,
    says: /oops/,
  },
  { what: 'a server that is too busy', answer: { status: 503 }, code: 'not-now', after: 5_000 },
  { what: 'a proxy without a server', answer: { status: 502, body: '<html>' }, code: 'not-now', after: 5_000 },
  {
    what: 'a server that says when it is back',
    answer: { status: 503, headers: { 'retry-after': '90' } },
    code: 'not-now',
    after: 90_000,
  },
  { what: 'a limit that does not say when it ends', answer: { status: 429 }, code: 'not-now', after: 60_000 },
  { what: 'a captive portal', answer: { status: 200, body: '<html>' }, code: 'not-now', after: 60_000 },
  { what: 'an ingress without a backend', answer: { status: 404, body: 'no' }, code: 'not-now', after: 60_000 },
  {
    what: 'a no that comes as a yes',
    answer: { status: 200, body: { status: 0, errors: ['message cannot be blank'] } },
    code: 'rejected',
  },
  {
    what: 'a refusal that says the token again',
    answer: { status: 400, body: { status: 0, token: 'invalid', errors: [`no: ${secrets.token} ${secrets.user}`] } },
    code: 'misconfigured',
  },
  { what: 'a gate in front', answer: { status: 403, body: 'blocked' }, code: 'misconfigured' },
])('$what is told as $code', async ({ answer, code, after, says = /./ }) => {
  const { pushover, send } = await pushoverLab()
  pushover.faults.next.push(answer)
  const error = await failureOf(send())
  expect({ code: error.code, after: error.after }).toEqual({ code, after })
  expect(error.message).toMatch(says)
})

test.each([
  { key: 'token', says: /application token is invalid/ },
  { key: 'user', says: /user identifier is not a valid user/ },
])('a wrong $key is not tried again', async ({ key, says }) => {
  const { send } = await pushoverLab({}, { own: { ...secrets, [key]: 'canary-of-another' } })
  const error = await failureOf(send())
  expect(error.code).toBe('misconfigured')
  expect(error.message).toMatch(says)
})

test('a quota that is used up is asked for again when it begins anew, and each hour before', async () => {
  const soon = await pushoverLab({}, { quota: 0, reset: new Date(Date.now() + 600_000) })
  expect(await failureOf(soon.send())).toMatchObject({ code: 'not-now', after: expect.closeTo(600_000, -4) })
  const later = await pushoverLab({}, { quota: 0 })
  expect(await failureOf(later.send())).toMatchObject({ code: 'not-now', after: 3_600_000 })
  const past = await pushoverLab({}, { quota: 0, reset: new Date(Date.now() - 600_000) })
  expect(await failureOf(past.send())).toMatchObject({ code: 'not-now', after: 60_000 })
})

test('a server that is gone is told without a secret', async () => {
  const { pushover, send } = await pushoverLab()
  await pushover[Symbol.asyncDispose]()
  expect((await failureOf(send())).code).toBe('unreachable')
})
