import { expect, onTestFinished, test } from 'vitest'
import { type ChannelConfig, channelConfig, loadKind } from '../../../../src/services/notifications/channels/kinds.ts'
import { startStandIn } from '../../../lab/notify/stand-in.ts'
import { messageOf } from '../../../../src/core/errors.ts'
import { meansWith } from '../means.ts'
import { buttonWith, messageWith } from '../outgoing-message.ts'

const { signal } = new AbortController()
const secret = 'canary~se/cret 0123456789'
const token = 'canary-token.0123456789'
const message = messageWith({ buttons: [buttonWith({ token, url: `https://nas.lan/act/${token}?a=1` })] })
const file = { file: 'secret' }

/** Every kind that speaks HTTP, with secrets wherever it has some. `path` is where its secret URL leads. */
const kinds: readonly { readonly type: string; readonly path?: string; readonly more: object }[] = [
  { type: 'gotify', more: { token: file } },
  { type: 'discord', path: `/api/webhooks/1/canary-path-0123456789`, more: { url: { file: 'url' } } },
  { type: 'slack', path: '/services/T0/B0/canary-path-0123456789', more: { url: { file: 'url' } } },
  { type: 'matrix', more: { token: file, room: '!room:home.lan' } },
  { type: 'webhook', path: '/hook/canary-path-0123456789', more: { url: { file: 'url' }, headers: { 'X-Key': file } } },
  { type: 'apprise', more: { key: { file: 'key' }, user: 'u', password: file } },
  { type: 'apprise', more: { urls: file } },
  { type: 'heartbeat', path: '/canary-path-0123456789', more: { url: { file: 'url' } } },
]

test.each(kinds)('a server that repeats all it got makes $type tell no secret', async ({ type, path = '', more }) => {
  let status = 400
  let isJson = true
  const server = await startStandIn('127.0.202.10', ({ target, headers, body }) => {
    const said = `${target} ${decodeURIComponent(target)} ${Object.values(headers).join(' ')} ${body}`
    const told = { error: said, errcode: 'M_UNKNOWN', message: said, errorDescription: said, code: 1 }
    return { status, body: isJson ? told : said }
  })
  onTestFinished(() => server[Symbol.asyncDispose]())
  const config = { type, ...('url' in more ? {} : { server: server.url }), ...more }
  const means = meansWith({ secret, url: server.url + path, key: 'canary-path-0123456789' })
  const parsed: ChannelConfig = channelConfig.parse(config)
  const channel = await (await loadKind(parsed))(parsed, means)
  const told: string[] = []
  for (status of [302, 400, 401, 403, 404, 410, 424, 429, 500])
    for (isJson of [true, false]) {
      const ref = channel.update && isJson ? 'ref' : undefined
      const sending = ref === undefined ? channel.send(message, signal) : channel.update!(ref, message, signal)
      told.push(await sending.then(() => expect.fail('it was sent'), messageOf))
    }
  expect(told.filter((text) => text.includes('…')).length).toBeGreaterThan(0)
  expect(told.filter((text) => /canary|se%2Fcret|0123456789/.test(text))).toEqual([])
  const basic = Buffer.from(`u:${secret}`).toString('base64')
  expect(told.filter((text) => text.includes(basic))).toEqual([])
})
