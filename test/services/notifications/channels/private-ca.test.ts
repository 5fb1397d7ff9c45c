import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { messageOf } from '../../../../src/core/errors.ts'
import { type ChannelConfig, channelConfig, loadKind } from '../../../../src/services/notifications/channels/kinds.ts'
import { readTrust } from '../../../../src/services/notifications/trust.ts'
import { createAuthority } from '../../../lab/authority.ts'
import { meansWith } from '../means.ts'
import { notifier } from '../notifier.ts'
import { messageWith } from '../outgoing-message.ts'
import { patience } from '../../../patience.ts'

const address = '127.0.70.9'
const secret = { file: 'secret' }

/** A server of somebody's homelab, with a certificate of their own CA. It takes whatever comes. */
async function startHome() {
  const authority = await createAuthority('home')
  const { cert, key } = await authority.issueServer({ common: 'home', ips: [address] })
  const asked: string[] = []
  const server = createServer({ cert, key }, (incoming, response) => {
    asked.push(incoming.url!)
    incoming.resume().on('end', () => response.end('{"id":1}'))
  })
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(() => resolve()))
  })
  return { url: `https://${address}:${(server.address() as AddressInfo).port}`, asked, ca: authority.ca }
}

/** Every kind that speaks HTTP. */
const kinds: readonly { readonly type: string; readonly path?: string; readonly more: object }[] = [
  { type: 'apprise', more: { urls: secret } },
  { type: 'discord', path: '/api/webhooks/1/secret', more: { url: { file: 'url' } } },
  { type: 'gotify', more: { token: secret } },
  { type: 'heartbeat', more: { url: { file: 'url' } } },
  { type: 'matrix', more: { token: secret, room: '!room:home.lan' } },
  { type: 'ntfy', more: { topic: 'home' } },
  { type: 'pushover', more: { token: secret, user: secret } },
  { type: 'slack', more: { url: { file: 'url' } } },
  { type: 'telegram', more: { token: secret, chat: 1 } },
  { type: 'webhook', more: { url: { file: 'url' } } },
]

test.each(kinds)(
  '$type reaches a server with a CA of the homelab’s own, and no other',
  async ({ type, path = '', more }) => {
    const home = await startHome()
    const parsed: ChannelConfig = channelConfig.parse({ type, ...('url' in more ? {} : { server: home.url }), ...more })
    const means = meansWith({ secret: '1:secret', url: home.url + path, ca: home.ca })
    const openWith = async (shared: string | undefined) =>
      (await loadKind(parsed))(parsed, {
        ...means,
        trust: await readTrust({ own: undefined, shared }, 'phone', means.files),
      })
    const { signal } = new AbortController()
    const refused = (await openWith(undefined)).send(messageWith(), signal)
    await expect(refused.then(() => 'it was sent', messageOf)).resolves.toMatch(
      /certificate.*; where it is of your own CA, name that in `notifications\.ca`$/,
    )
    expect(home.asked).toEqual([])
    // What such a server says is not the matter.
    await (await openWith('ca')).send(messageWith(), signal).catch(() => {})
    expect(home.asked.length).toBeGreaterThan(0)
  },
)

describe('a CA in the configuration', () => {
  const stuck = { severity: 'warning', subject: 'w-1', text: 'w-1 is stuck' } as const
  /** A homelab that tells of an alert; `authorities` are its files. */
  async function tellBy(url: string, settings: { ca?: string; own?: string }, authorities: Record<string, string>) {
    const { ca, own } = settings
    const phone = { type: 'gotify', server: url, token: secret, ...(own === undefined ? {} : { ca: own }) }
    const { alerts } = await notifier({
      settings: { channels: { phone }, ...(ca === undefined ? {} : { ca }) },
      secret: (file) => authorities[file] ?? 'the token',
    })
    alerts.open('rollout.stuck', stuck)
    const failing = () => alerts.all.find(({ id }) => id === 'channel.failing:phone')?.text
    return { failing }
  }

  test('is believed for every channel, or by a channel in the place of all others', async () => {
    const home = await startHome()
    const other = (await createAuthority('other')).ca
    await tellBy(home.url, { ca: 'home.pem' }, { 'home.pem': home.ca })
    await vi.waitFor(() => expect(home.asked).toHaveLength(1), patience)
    await tellBy(home.url, { ca: 'other.pem', own: 'home.pem' }, { 'home.pem': home.ca, 'other.pem': other })
    await vi.waitFor(() => expect(home.asked).toHaveLength(2), patience)
  })

  test('that is damaged is told, and read again once it is mended', async () => {
    const home = await startHome()
    const files = { 'home.pem': home.ca.replace(/[A-Za-z]{20}/, 'A'.repeat(20)) }
    const { failing } = await tellBy(home.url, { ca: 'home.pem' }, files)
    await vi.waitFor(
      () => expect(failing()).toMatch(/: notifications\.ca: home\.pem holds no PEM certificate, or a damaged one$/),
      patience,
    )
    files['home.pem'] = home.ca
    await vi.waitFor(() => expect(home.asked).toHaveLength(1), patience)
  })
})
