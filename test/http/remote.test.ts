import { createServer } from 'node:net'
import { once } from 'node:events'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Operator } from '../../src/core/operator.ts'
import { answerOf, createClient } from '../../src/http/client.ts'
import type { Server } from '../../src/http/reach.ts'
import { createAuthority, type Identity, type LabAuthority } from '../lab/authority.ts'
import { startDaemon } from './daemon.ts'
import { serveAnything, serveApi } from './server.ts'

const token = 'caretaker_0123456789abcdef'
let authority: LabAuthority
let identity: Identity
beforeAll(async () => {
  authority = await createAuthority('homelab')
  identity = await authority.issueServer({ common: 'nas', ips: ['127.0.0.1'] })
})

const jobsAt = (server: Server) => answerOf(createClient(server).jobs.$get())

describe('the CLI at another machine', () => {
  test('asks and requests over TLS with its token, and who asks is known by that', async () => {
    await using at = await startDaemon()
    await using server = await serveApi(at.operator, token, identity)
    const client = createClient({ url: server.url, token, ca: authority.ca }, { by: 'root@nas' })
    expect(await answerOf(client.jobs.$get())).toMatchObject([{ name: 'look' }])
    expect(await answerOf(client.nodes[':name'].pause.$post({ param: { name: 'w-1' }, json: {} }))).toMatchObject({
      changed: true,
    })
    expect(at.heard).toEqual([{ request: 'pause', about: { node: 'w-1' }, by: 'token laptop' }])
  })

  test.each([
    { what: 'a wrong token', given: { token: `${token}x` }, says: /refuses the token: there is no such token$/ },
    { what: 'no token', given: {}, says: /wants a token: name its file with --token-file/ },
  ])('hears of $what', async ({ given, says }) => {
    await using at = await startDaemon()
    await using server = await serveApi(at.operator, token)
    await expect(jobsAt({ url: server.url, ...given })).rejects.toMatchObject({
      code: 'unauthenticated',
      message: expect.stringMatching(says),
    })
  })

  test('hears whose certificate it does not trust, and what to do', async () => {
    await using server = await serveApi({} as Operator, token, identity)
    const other = await createAuthority('somebody')
    const untrusted = { code: 'misconfigured', message: expect.stringMatching(/is not trusted: name the CA/) }
    await expect(jobsAt({ url: server.url, token })).rejects.toMatchObject(untrusted)
    await expect(jobsAt({ url: server.url, token, ca: other.ca })).rejects.toMatchObject({
      message: expect.stringMatching(/is not trusted: another CA signed it/),
    })
    const named = await authority.issueServer({ common: 'nas', dns: ['nas.lan'] })
    await using elsewhere = await serveApi({} as Operator, token, named)
    await expect(jobsAt({ url: elsewhere.url, token, ca: authority.ca })).rejects.toMatchObject({
      message: expect.stringMatching(/is not for 127.0.0.1: ask by a name that stands in it/),
    })
  })

  test.each([
    { what: 'a page', status: 200, type: 'text/html', body: '<h1>It works</h1>', says: /is no Caretaker.*HTTP 200/ },
    {
      what: 'another API',
      status: 404,
      type: 'application/json',
      body: '{"message":"Not found"}',
      says: /no Caretaker/,
    },
    { what: 'a proxy that signs in', status: 401, type: 'text/html', body: 'sign in', says: /no Caretaker.*HTTP 401/ },
  ])('hears that $what is no Caretaker', async ({ status, type, body, says }) => {
    await using server = await serveAnything((_, answer) => {
      answer.writeHead(status, { 'content-type': type }).end(body)
    })
    await expect(jobsAt({ url: server.url })).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringMatching(says),
    })
  })

  test('hears where it is sent to, and follows nobody there', async () => {
    await using server = await serveAnything((_, answer) => {
      answer.writeHead(308, { location: 'https://nas.lan/api/v1/jobs' }).end()
    })
    await expect(jobsAt({ url: server.url, token })).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringMatching(/redirects to https:\/\/nas\.lan/),
    })
  })

  test('hears of the wrong kind of address, and of one where nothing listens', async () => {
    await using plain = await serveApi({} as Operator, token)
    await using secure = await serveApi({} as Operator, token, identity)
    await expect(jobsAt({ url: plain.url.replace('http:', 'https:') })).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringMatching(/does not speak TLS: try http:/),
    })
    await expect(jobsAt({ url: secure.url.replace('https:', 'http:') })).rejects.toMatchObject({
      message: expect.stringMatching(/does it take https:\/\/ alone\?|no Caretaker/),
    })
    await expect(jobsAt({ url: 'http://127.203.0.9:1' })).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(/^nothing listens at http:\/\/127.203.0.9:1: check the address/),
    })
  })

  test('hears that a server speaks something else', async () => {
    const server = createServer((peer) => {
      peer.on('error', () => {})
      peer.end('SSH-2.0-OpenSSH_10.1\r\n')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    await expect(jobsAt({ url: `http://127.0.0.1:${port}` })).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringMatching(/does not speak HTTP/),
    })
    server.close()
  })
})
