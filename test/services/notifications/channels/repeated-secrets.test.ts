import { expect, onTestFinished, test } from 'vitest'
import { type ChannelConfig, channelConfig, loadKind } from '../../../../src/services/notifications/channels/kinds.ts'
import { startStandIn } from '../../../lab/notify/stand-in.ts'
import type { WireRequest } from '../../../lab/notify/wire.ts'
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

/** What of a request a server may repeat: of its body what stands about each secret, since an error is cut. */
function partsOf({ target, headers, body }: WireRequest): readonly string[] {
  const places = [...body.matchAll(/canary|se.?cret/g)].map(({ index }) => body.slice(Math.max(0, index - 30)))
  return [target, decodeURIComponent(target), ...Object.values(headers).map(String), ...places]
}

test.each(kinds)('a server that repeats what it got makes $type tell no secret', async ({ type, path = '', more }) => {
  const answers = { status: 400, isJson: true, part: 0, parts: Infinity }
  const server = await startStandIn('127.0.202.10', (request) => {
    const { status, isJson, part } = answers
    const parts = partsOf(request)
    answers.parts = parts.length
    const said = parts[part] ?? ''
    return {
      status,
      body: isJson ? { error: said, errcode: 'M_X', message: said, errorDescription: said, code: 1 } : said,
    }
  })
  onTestFinished(() => server[Symbol.asyncDispose]())
  const config = { type, ...('url' in more ? {} : { server: server.url }), ...more }
  let now = 0
  // A minute between two messages, so that no limit of ours is in the way.
  const secrets = { secret, url: server.url + path, key: 'canary-path-0123456789' }
  const means = meansWith(secrets, () => new Date((now += 60_000)))
  const parsed: ChannelConfig = channelConfig.parse(config)
  const channel = await (await loadKind(parsed))(parsed, means)
  const told: string[] = []
  const tell = async () =>
    told.push(await channel.send(message, signal).then(() => expect.fail('it was sent'), messageOf))
  for (answers.part = 0; answers.part < answers.parts; answers.part += 1)
    for (answers.status of [400, 500]) for (answers.isJson of [true, false]) await tell()
  for (answers.status of [302, 401, 403, 404, 410, 424, 429]) await tell()
  expect(told.filter((text) => text.includes('…')).length).toBeGreaterThan(0)
  const basic = Buffer.from(`u:${secret}`).toString('base64')
  expect(told.filter((text) => /canary|se%2Fcret|se\/cret|0123456789/.test(text) || text.includes(basic))).toEqual([])
})
