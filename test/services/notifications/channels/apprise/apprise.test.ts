import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { open } from '../../../../../src/services/notifications/channels/apprise/channel.ts'
import { config } from '../../../../../src/services/notifications/channels/apprise/config.ts'
import { type LabApprise, startApprise, startRealApprise, whyNoApprise } from '../../../../lab/notify/apprise.ts'
import type { WireAnswer } from '../../../../lab/notify/wire.ts'
import { lacks } from '../../../../lab/needs.ts'
import { failureOf } from '../../failure.ts'
import { meansWith } from '../../means.ts'
import { buttonWith, messageWith } from '../../outgoing-message.ts'

const { signal } = new AbortController()
const button = buttonWith({ url: 'https://nas.lan/act/canary-button' })
const canaries = ['canary-apprise', 'canary-password', button.token, 'canary-button']

function openFor(apprise: LabApprise, more: object = { key: apprise.key }, urls = '') {
  return open(
    config.parse({ type: 'apprise', server: apprise.url, ...more }),
    meansWith({ urls, password: 'canary-password' }),
  )
}

const servers = [
  { about: 'the stand-in', start: () => startApprise('127.0.202.7'), missing: undefined },
  { about: 'the real library', start: () => startRealApprise('127.0.202.8'), missing: whyNoApprise() },
]

describe.each(servers)('$about', ({ start, missing }) => {
  const isMissing = lacks(missing)
  // Python takes seconds to begin.
  let apprise: LabApprise
  beforeAll(async () => {
    if (!isMissing) apprise = await start()
  })
  beforeEach(() => apprise?.reset())
  afterAll(() => apprise?.[Symbol.asyncDispose]())

  test.skipIf(isMissing)('passes a message on to all services of a key, with how bad it is', async () => {
    const channel = await openFor(apprise)
    const message = messageWith({ details: ['w-1: 4 min'], buttons: [button] })
    expect(await channel.send(message, signal)).toEqual({})
    await channel.send(messageWith({ severity: 'warning' }), signal)
    await channel.send(messageWith({ severity: 'info', kind: 'note' }), signal)
    await channel.send(messageWith({ kind: 'settled' }), signal)
    expect(apprise.delivered.filter(({ service }) => service === 'phone')).toEqual([
      {
        service: 'phone',
        type: 'failure',
        title: message.title,
        message: `${message.text}\nw-1: 4 min\n\nCancel shutdown: ${button.url}`,
      },
      expect.objectContaining({ type: 'warning' }),
      expect.objectContaining({ type: 'info' }),
      expect.objectContaining({ type: 'success' }),
    ])
    expect(apprise.delivered).toHaveLength(8)
  })

  test.skipIf(isMissing)('passes it on to the services with a tag alone', async () => {
    await (await openFor(apprise, { key: apprise.taggedKey, tag: 'tablet' })).send(messageWith(), signal)
    expect(apprise.delivered).toEqual([expect.objectContaining({ service: 'tablet' })])
  })

  test.skipIf(isMissing)('services with a tag are called by it, and all of them by all', async () => {
    const { taggedKey: key } = apprise
    await (await openFor(apprise, { key, tag: 'all' })).send(messageWith(), signal)
    await (await openFor(apprise, { key, tag: 'phone, tablet' })).send(messageWith(), signal)
    expect(apprise.delivered).toHaveLength(4)
    const failure = await failureOf((await openFor(apprise, { key })).send(messageWith(), signal), canaries)
    expect(failure).toMatchObject({
      code: 'misconfigured',
      message: expect.stringContaining('each service under this key has a tag: set `tag`'),
    })
    expect(apprise.delivered).toHaveLength(4)
  })

  test.skipIf(isMissing)('passes it on to services by their addresses', async () => {
    const urls = `${apprise.serviceUrl('phone')} ${apprise.serviceUrl('tablet')}\n`
    await (await openFor(apprise, { urls: { file: 'urls' } }, urls)).send(messageWith(), signal)
    expect(apprise.delivered).toHaveLength(2)
  })

  test.skipIf(isMissing)('where no service took it, it is tried again', async () => {
    apprise.down.add('phone').add('tablet')
    const failure = await failureOf((await openFor(apprise)).send(messageWith(), signal), canaries)
    expect(failure).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('none of its services took it'),
    })
  })

  test.skipIf(isMissing)('where some took it, it is told, and not sent to them again and again', async () => {
    apprise.down.add('phone')
    const failure = await failureOf((await openFor(apprise)).send(messageWith(), signal), canaries)
    expect(failure).toMatchObject({ code: 'rejected', message: expect.stringContaining('others did not') })
  })

  test.skipIf(isMissing)(
    'a tag that no service has, a key that is unknown, and addresses that are none send nothing, and it is told',
    async () => {
      const cases = [
        { more: { key: apprise.taggedKey, tag: 'nobody' }, says: 'no service under this key has the tag nobody' },
        { more: { key: 'canary-apprise-unknown' }, says: 'HTTP 204' },
        { more: { urls: { file: 'urls' } }, says: 'HTTP 204' },
      ]
      for (const { more, says } of cases) {
        const failure = await failureOf(
          (await openFor(apprise, more, 'canary-apprise')).send(messageWith(), signal),
          canaries,
        )
        expect(failure).toMatchObject({ code: 'misconfigured', message: expect.stringContaining(says) })
      }
      expect(apprise.delivered).toEqual([])
    },
  )
})

test('a server with sign-in gets it', async () => {
  const apprise = await startApprise('127.0.202.7')
  onTestFinished(() => apprise[Symbol.asyncDispose]())
  const channel = await openFor(apprise, { key: apprise.key, user: 'caretaker', password: { file: 'password' } })
  await channel.send(messageWith(), signal)
  expect(apprise.requests[0]!.headers.authorization).toBe(`Basic ${btoa('caretaker:canary-password')}`)
})

test.each<{ what: string; answer: WireAnswer; code: string; after?: number }>([
  {
    what: 'a refusal of its services that it does not explain',
    answer: { status: 424, body: { error: 'One or more' } },
    code: 'unreachable',
  },
  {
    what: 'a payload that it refuses',
    answer: { status: 400, body: { error: 'Bad FORM Payload provided' } },
    code: 'rejected',
  },
  {
    what: 'a key that needs a password',
    answer: { status: 401, body: { error: 'Access denied' } },
    code: 'misconfigured',
  },
  { what: 'a server that forbids addresses', answer: { status: 403 }, code: 'misconfigured' },
  { what: 'a message that is too large', answer: { status: 431 }, code: 'rejected' },
  { what: 'a failure of its store', answer: { status: 500 }, code: 'unreachable' },
  {
    what: 'a proxy that has lost it',
    answer: { status: 404, body: '404 page not found' },
    code: 'not-now',
    after: 60_000,
  },
  { what: 'a page in its place', answer: { status: 200, body: '<!doctype html>' }, code: 'not-now', after: 60_000 },
  { what: 'something that says yes to all', answer: { status: 202 }, code: 'not-now', after: 60_000 },
])('$what means $code', async ({ answer, code, after }) => {
  const apprise = await startApprise('127.0.202.7')
  onTestFinished(() => apprise[Symbol.asyncDispose]())
  const channel = await openFor(apprise)
  apprise.faults.next.push(answer)
  const failure = await failureOf(channel.send(messageWith({ buttons: [button] }), signal), canaries)
  expect({ code: failure.code, after: failure.after }).toEqual({ code, after })
})

test.each([
  { about: 'neither key nor urls', more: {} },
  { about: 'both', more: { key: 'k', urls: { env: 'U' } } },
  { about: 'tags of urls', more: { urls: { env: 'U' }, tag: 'phone' } },
  { about: 'a tag that no server reads', more: { key: 'k', tag: 'büro' } },
  { about: 'a key with a slash', more: { key: 'a/b' } },
  { about: 'a user without a password', more: { key: 'k', user: 'u' } },
])('$about is a fault of the configuration', ({ more }) => {
  expect(config.safeParse({ type: 'apprise', server: 'http://apprise.lan:8000', ...more }).success).toBe(false)
})

test('a key from a file is looked at, and not shown', async () => {
  const opening = open(
    config.parse({ type: 'apprise', server: 'http://apprise.lan', key: { file: 'key' } }),
    meansWith({ key: 'canary-apprise/../add' }),
  )
  expect(await failureOf(opening, canaries)).toMatchObject({ code: 'misconfigured' })
})
