import { expect, onTestFinished, test } from 'vitest'
import { open } from '../../../../../src/services/notifications/channels/webhook/channel.ts'
import { config } from '../../../../../src/services/notifications/channels/webhook/config.ts'
import { startReceiver } from '../../../../lab/notify/receiver.ts'
import type { WireAnswer } from '../../../../lab/notify/wire.ts'
import { failureOf } from '../../failure.ts'
import { meansWith } from '../../means.ts'
import { buttonWith, messageWith } from '../../outgoing-message.ts'

const { signal } = new AbortController()
const button = buttonWith({ url: 'https://nas.lan/act/canary-button' })
const key = Buffer.alloc(32, 7)
const secrets = { auth: 'Bearer canary-header', key: `whsec_${key.toString('base64')}` }
const canaries = ['canary-header', key.toString('base64'), button.token, 'canary-button', 'canary-path']
const at = new Date('2026-11-26T02:00:01.500Z')

async function lab(more: object = {}, secretPath?: string) {
  const receiver = await startReceiver('127.0.202.5')
  onTestFinished(() => receiver[Symbol.asyncDispose]())
  const url = secretPath === undefined ? `${receiver.url}/hook` : { file: 'url' }
  const means = meansWith({ ...secrets, url: `${receiver.url}${secretPath ?? ''}` }, () => at)
  return { receiver, channel: await open(config.parse({ type: 'webhook', url, ...more }), means) }
}

test('without a template everything is told as JSON, and no token goes with it', async () => {
  const { receiver, channel } = await lab()
  const message = messageWith({
    details: ['w-1: 4 min'],
    buttons: [button, buttonWith({ label: 'Wake' })],
    link: 'https://nas.lan/',
  })
  expect(await channel.send(message, signal)).toEqual({})
  const { buttons, ...rest } = message
  expect(receiver.requests).toEqual([
    expect.objectContaining({
      method: 'POST',
      target: '/hook',
      headers: expect.objectContaining({ 'content-type': 'application/json', 'webhook-id': 'm-1' }),
    }),
  ])
  expect(JSON.parse(receiver.requests[0]!.body)).toEqual({
    type: 'notification.alert',
    timestamp: message.at,
    data: { ...rest, buttons: [{ label: buttons[0]!.label, url: button.url }] },
  })
  expect(receiver.requests[0]!.body).not.toContain(button.token)
})

test('a signature is believed, and not for another body, another id or another key', async () => {
  const { receiver, channel } = await lab({ secret: { file: 'key' }, template: 'ü {{title}}' })
  await channel.send(messageWith(), signal)
  const [request] = receiver.requests
  expect(receiver.whyNotBelieved(request!, key, at)).toBeUndefined()
  expect(receiver.whyNotBelieved({ ...request!, body: `${request!.body} ` }, key, at)).toBe('no signature fits')
  const headers = { ...request!.headers, 'webhook-id': 'm-2' }
  expect(receiver.whyNotBelieved({ ...request!, headers }, key, at)).toBe('no signature fits')
  expect(receiver.whyNotBelieved(request!, Buffer.alloc(32, 8), at)).toBe('no signature fits')
  expect(request!.headers['webhook-timestamp']).toBe('1795658401')
})

test('what is tried again keeps its id', async () => {
  const { receiver, channel } = await lab({ secret: { file: 'key' } })
  receiver.faults.next.push({ status: 503 })
  await failureOf(channel.send(messageWith(), signal), canaries)
  await channel.send(messageWith(), signal)
  expect(receiver.requests.map(({ headers }) => headers['webhook-id'])).toEqual(['m-1', 'm-1'])
})

test('a secret in another alphabet, without its prefix, too short or too long is refused without being shown', async () => {
  for (const bad of [
    'canary header in words, and no base64',
    'd2Vhaw==',
    Buffer.alloc(65, 1).toString('base64'),
    `${secrets.key}!`,
  ]) {
    const opening = open(
      config.parse({ type: 'webhook', url: 'https://x.lan/', secret: { file: 'key' } }),
      meansWith({ key: bad }),
    )
    expect(await failureOf(opening, [bad])).toMatchObject({ code: 'misconfigured' })
  }
  for (const good of [
    secrets.key,
    key.toString('base64'),
    `${secrets.key} \n`,
    key.toString('base64').replace(/=+$/, ''),
  ])
    await open(
      config.parse({ type: 'webhook', url: 'https://x.lan/', secret: { file: 'key' } }),
      meansWith({ key: good }),
    )
})

test('method and headers are as configured, secrets among them', async () => {
  const { receiver, channel } = await lab({
    method: 'PUT',
    headers: { Authorization: { file: 'auth' }, 'X-Source': 'caretaker' },
  })
  await channel.send(messageWith(), signal)
  expect(receiver.requests[0]).toMatchObject({
    method: 'PUT',
    headers: { authorization: secrets.auth, 'x-source': 'caretaker' },
  })
})

test('a secret with a line break in it makes no header of its own', async () => {
  const opening = open(
    config.parse({ type: 'webhook', url: 'https://x.lan/', headers: { 'X-Key': { file: 'auth' } } }),
    meansWith({ auth: 'canary-header\r\nX-Other: 1' }),
  )
  expect(await failureOf(opening, canaries)).toMatchObject({ code: 'misconfigured' })
})

test.each(['Host', 'content-length', 'Webhook-Signature', 'Transfer-Encoding', 'bad name', 'colon:'])(
  'the header “%s” is not for a configuration',
  (name) => {
    expect(config.safeParse({ type: 'webhook', url: 'https://x.lan/', headers: { [name]: 'x' } }).success).toBe(false)
  },
)

const nasty = { title: 'a "b" \\ & <c> {{text}}\u2028', text: 'x=1&y=2\n"' }

test.each([
  {
    about: 'a text',
    template: '{{title}}|{{ text }}',
    type: 'text/plain; charset=utf-8',
    body: `${nasty.title}|${nasty.text}`,
  },
  {
    about: 'a form',
    template: 't={{title}}&s={{severity}}',
    header: 'application/x-www-form-urlencoded',
    body: `t=${encodeURIComponent(nasty.title)}&s=critical`,
  },
  {
    about: 'XML',
    template: '<m a="{{title}}"/>',
    header: 'application/xml',
    body: '<m a="a &quot;b&quot; \\ &amp; &lt;c&gt; {{text}}\u2028"/>',
  },
])('in $about, what a message says ends nothing that it stands in', async ({ template, type, header, body }) => {
  const { receiver, channel } = await lab({
    template,
    ...(header === undefined ? {} : { headers: { 'Content-Type': header } }),
  })
  await channel.send(messageWith(nasty), signal)
  expect(receiver.requests[0]).toMatchObject({ body, headers: { 'content-type': header ?? type } })
})

test.each([
  { about: 'JSON as text', template: '{"a": "<{{title}}>", "b": {{text}}, "{{kind}}": [1, {"c": "\\"{{details}}"}]}' },
  { about: 'JSON as YAML', template: { a: '<{{title}}>', b: '{{text}}', alert: [1, { c: '"{{details}}' }] } },
])('in $about, placeholders are texts wherever they stand', async ({ template }) => {
  const { receiver, channel } = await lab({ template })
  await channel.send(messageWith({ ...nasty, details: ['1', '2'] }), signal)
  expect(receiver.requests[0]!.headers['content-type']).toBe('application/json')
  expect(JSON.parse(receiver.requests[0]!.body)).toEqual({
    a: `<${nasty.title}>`,
    b: nasty.text,
    alert: [1, { c: '"1\n2' }],
  })
})

test('every part of a message has its place in a template', async () => {
  const names = [
    'id',
    'thread',
    'kind',
    'severity',
    'topic',
    'subject',
    'at',
    'title',
    'text',
    'homelab',
    'link',
  ] as const
  const template = [null, 1, true, ...[...names, 'details', 'body'].map((name) => `{{${name}}}`)]
  const { receiver, channel } = await lab({ template, method: 'PATCH' })
  const message = messageWith({ details: ['1', '2'], link: 'https://nas.lan/' })
  await channel.send(message, signal)
  const body = `${message.text}\n1\n2\n\nDetails: https://nas.lan/`
  const expected = [null, 1, true, ...names.map((name) => message[name]), '1\n2', body]
  expect(JSON.parse(receiver.requests[0]!.body)).toEqual(expected)
  expect(receiver.requests[0]!.method).toBe('PATCH')
  await channel.send(messageWith(), signal)
  expect((JSON.parse(receiver.requests[1]!.body) as string[]).at(-3)).toBe('')
})

test('the type of the body is what its header says, with its parameters', async () => {
  const typed = (type: string) => ({ headers: { 'Content-Type': type } })
  const { receiver, channel } = await lab({ template: '"{{title}}"', ...typed('Application/JSON ; charset=utf-8') })
  await channel.send(messageWith(nasty), signal)
  expect(JSON.parse(receiver.requests[0]!.body)).toBe(nasty.title)
  const plain = await lab(typed('application/cloudevents+json'))
  await plain.channel.send(messageWith(), signal)
  expect(plain.receiver.requests[0]!.headers['content-type']).toBe('application/cloudevents+json')
})

test.each([24, 64])('a key of %d bytes is taken', async (length) => {
  const parsed = config.parse({ type: 'webhook', url: 'https://x.lan/', secret: { file: 'key' } })
  const opening = open(parsed, meansWith({ key: Buffer.alloc(length, 5).toString('base64') }))
  await expect(opening).resolves.toBeDefined()
})

test.each([
  { template: 'Hello {{titel}}', says: 'there is no {{titel}}: use {{id}}' },
  { template: { deep: [{ text: '{{ nobody }}' }] }, says: 'there is no {{nobody}}' },
  { template: '{"a": {{title}}', says: 'begins like JSON, and is none' },
])('the template $template is refused: $says', ({ template, says }) => {
  const parsed = config.safeParse({ type: 'webhook', url: 'https://x.lan/', template })
  expect(parsed.error?.issues.map(({ message }) => message)).toEqual([expect.stringContaining(says)])
})

test.each<{ what: string; answer: WireAnswer; code: string; after?: number }>([
  { what: 'a receiver that is gone for good', answer: { status: 410 }, code: 'not-found' },
  { what: 'one that is not there yet', answer: { status: 404 }, code: 'not-now', after: 60_000 },
  { what: 'a wrong password', answer: { status: 401 }, code: 'misconfigured' },
  { what: 'a body that it refuses', answer: { status: 422, body: 'no' }, code: 'rejected' },
  { what: 'a limit', answer: { status: 429, headers: { 'retry-after': '12' } }, code: 'not-now', after: 12_000 },
  { what: 'its failure', answer: { status: 500 }, code: 'unreachable' },
  { what: 'its slowness', answer: { status: 408 }, code: 'unreachable' },
  {
    what: 'a redirect, which is not followed',
    answer: { status: 307, headers: { location: 'https://elsewhere/' } },
    code: 'misconfigured',
  },
])('$what means $code', async ({ answer, code, after }) => {
  const { receiver, channel } = await lab({ headers: { Authorization: { file: 'auth' } } }, '/api/webhook/canary-path')
  receiver.faults.next.push({ ...answer, body: `canary-header canary-path canary-button ${button.url}` })
  const failure = await failureOf(
    channel.send(messageWith({ buttons: [button] }), signal),
    canaries.filter((one) => one !== 'canary-button'),
  )
  expect({ code: failure.code, after: failure.after }).toEqual({ code, after })
})

test('an address with a password, or with ?…, is kept as a secret', () => {
  for (const url of ['https://user:pw@x.lan/', 'https://x.lan/?key=1'])
    expect(config.safeParse({ type: 'webhook', url }).success).toBe(false)
})
