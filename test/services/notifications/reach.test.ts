import { createServer as createHttpsServer } from 'node:https'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { reachChannel } from '../../../src/services/notifications/reach.ts'
import { channelConfig } from '../../../src/services/notifications/channels/kinds.ts'
import { AgentError } from '../../../src/core/errors.ts'
import { createAuthority } from '../../lab/authority.ts'
import { silentLog } from '../../fakes/log.ts'
import { startReceiver } from '../../lab/notify/receiver.ts'
import { soon } from '../../patience.ts'

const files = {
  readSecret: async (_: unknown, what: string) => {
    throw new AgentError('misconfigured', `${what}: the file token does not exist`)
  },
} as never
const reach = (config: object, signal = soon()) =>
  reachChannel('phone', channelConfig.parse(config), { files, log: silentLog }, signal)

test('a server that answers is reached, and nobody is told anything', async () => {
  await using receiver = await startReceiver('127.0.94.11')
  expect(await reach({ type: 'webhook', url: `${receiver.url}/secret-hook` })).toBe(new URL(receiver.url).host)
  expect(receiver.requests.map(({ method, body }) => [method, body])).toEqual([['GET', '']])
})

test('a server that is away, and a secret that is missing, are told', async () => {
  await expect(reach({ type: 'ntfy', server: 'http://127.0.94.12:9', topic: 'alerts' })).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('127.0.94.12:9'),
  })
  await expect(
    reach({ type: 'gotify', server: 'http://127.0.94.12:9', token: { file: 'token' } }),
  ).rejects.toMatchObject({
    code: 'misconfigured',
    message: expect.stringContaining('the file token does not exist'),
  })
})

test('mail is what greets as mail does', async () => {
  for (const [greeting, outcome] of [
    ['220 mail.lan ESMTP\r\n', /^127\.0\.94\.13:\d+$/],
    ['SSH-2.0-OpenSSH\r\n', /it is no mail server/],
  ] as const) {
    const server = createServer((socket) => void socket.end(greeting)).listen(0, '127.0.94.13')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const mail = { type: 'email', host: '127.0.94.13', port, tls: 'none', from: 'a@lan.example', to: 'b@lan.example' }
    expect(await reach(mail).catch((error: Error) => error.message)).toMatch(outcome)
    server.close()
  }
})

test('a server with a certificate of the homelab is reached where its CA is named, for it or for all', async () => {
  const lab = await createAuthority('attic')
  const server = createHttpsServer(
    await lab.issueServer({ common: 'attic', ips: ['127.0.94.14'] }),
    (_, response) => void response.end(),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.94.14', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as { port: number }
  const at = `127.0.94.14:${port}`
  const withCa = { readSecret: async () => lab.ca } as never
  const ask = (own: object, ca?: string) => {
    const config = channelConfig.parse({ type: 'webhook', url: `https://${at}/hook`, ...own })
    return reachChannel('phone', config, { files: withCa, log: silentLog, ca }, soon())
  }
  await expect(ask({})).rejects.toThrow(/signed by no authority that is trusted here/)
  expect(await ask({ ca: 'ca.pem' })).toBe(at)
  expect(await ask({}, 'ca.pem')).toBe(at)
})
