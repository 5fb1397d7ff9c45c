import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Api, createApi } from '../../../src/adapters/kubernetes/api.ts'
import { parseKubeconfig } from '../../../src/adapters/kubernetes/kubeconfig.ts'
import { createAuthority } from '../../lab/authority.ts'
import type { LabCeph } from '../../lab/kubernetes/ceph.ts'
import { startKubernetesLab, type KubernetesLab } from './lab.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

describe('a command in a pod', () => {
  const address = '127.0.44.128'
  const where = `the Kubernetes API at ${address}:26443`
  let at: KubernetesLab
  let ceph: LabCeph
  let pod: string
  beforeEach(async () => {
    at = await startKubernetesLab(address, { tokens: { secret: { name: 'robot', groups: [] } } })
    ceph = at.lab.addCeph({ flags: ['noout'] })
    pod = at.lab.pods()[0]!.metadata.name
  })
  afterEach(() => at[Symbol.asyncDispose]())
  const exec = (command: string, { by = at.api, signal = soon(), ...more }: Options = {}) =>
    by.exec({ namespace: 'rook-ceph', pod, command: command.split(' '), signal, ...more })
  interface Options {
    readonly by?: Api
    readonly signal?: AbortSignal
    readonly pod?: string
    readonly namespace?: string
    readonly container?: string
  }

  test('tells what it says, and that it went well', async () => {
    const { code, stdout, stderr } = await exec('ceph osd dump --format=json')
    expect({ code, stderr, flags: JSON.parse(stdout).flags_set[0] }).toEqual({ code: 0, stderr: '', flags: 'noout' })
    expect(await exec('ceph osd unset noout')).toEqual({ code: 0, stdout: '', stderr: 'noout is unset\n' })
    expect(at.diary()).toEqual([
      `exec rook-ceph/${pod} ceph osd dump --format=json`,
      `exec rook-ceph/${pod} ceph osd unset noout`,
    ])
  })

  test('tells with which exit code it failed, and what it said', async () => {
    ceph.trouble = { code: 13, stdout: 'half', stderr: 'Error EACCES: access denied\n' }
    const denied = { code: 13, stdout: 'half', stderr: 'Error EACCES: access denied\n' }
    expect(await exec('ceph osd set noout')).toEqual(denied)
  })

  test('that is never done is left with the signal', async () => {
    ceph.trouble = 'hangs'
    const stop = new AbortController()
    const ended = refusal(exec('ceph osd set noout', { signal: stop.signal }))
    await expect.poll(at.diary).toHaveLength(1)
    stop.abort()
    expect(await ended).toMatchObject({ code: 'unreachable', message: expect.stringContaining('did not answer') })
    expect(await refusal(exec('ceph', { signal: stop.signal }))).toMatchObject({ code: 'unreachable' })
    expect(at.diary()).toHaveLength(1)
  })

  test('is cut off with the API, and says so', async () => {
    ceph.trouble = 'hangs'
    const ended = refusal(exec('ceph osd set noout'))
    await expect.poll(at.diary).toHaveLength(1)
    at.lab.setAvailability('down')
    expect(await ended).toMatchObject({
      code: 'unreachable',
      message: `${where}: the connection closed before the command reported its exit code`,
    })
    await expect
      .poll(async () => (await refusal(exec('ceph osd set noout'))).message)
      .toBe(`${where}: connection refused`)
  })

  test('is refused in the API server’s words', async () => {
    const path = `/api/v1/namespaces/rook-ceph/pods/${pod}/exec`
    expect(await refusal(exec('ceph', { pod: 'gone' }))).toMatchObject({
      status: 404,
      message: `${where} refuses GET /api/v1/namespaces/rook-ceph/pods/gone/exec: pods "gone" not found`,
    })
    expect(await refusal(exec('ceph', { container: 'no' }))).toMatchObject({
      code: 'rejected',
      message: `${where} refuses GET ${path}: container no is not valid for pod ${pod}`,
    })
    at.lab.deny('create pods/exec')
    expect(await refusal(exec('ceph'))).toMatchObject({
      status: 403,
      message: expect.stringContaining('cannot create resource "pods/exec"'),
    })
  })

  test('is run in no other pod, whatever its name', async () => {
    const hostile = { namespace: 'a/b', pod: `../${pod}/exec?command=reboot#` }
    const error = await refusal(exec('ceph', hostile))
    expect(error.message).toContain(`"${hostile.pod}" not found`)
    expect(at.diary()).toEqual([])
  })

  test('is not read by a shell', async () => {
    const words = ['ceph', 'osd', 'set noout; reboot & $(x)', '--a=b#c']
    const { code, stderr } = await at.api.exec({ namespace: 'rook-ceph', pod, command: words, signal: soon() })
    expect([code, stderr]).toEqual([22, expect.stringContaining('EINVAL')])
    expect(at.diary()).toEqual([`exec rook-ceph/${pod} ${words.join(' ')}`])
  })

  test('takes a token as well as a certificate, and a new way in where the old one has ended', async () => {
    const access = parseKubeconfig(await at.lab.kubeconfig(), 'k')
    using robot = createApi({ ...access, cert: undefined, key: undefined, token: 'secret' })
    expect(await exec('ceph osd dump', { by: robot })).toMatchObject({ code: 0 })
    using stranger = createApi({ ...access, cert: undefined, key: undefined, token: 'wrong' })
    expect(await refusal(exec('ceph osd dump', { by: stranger }))).toMatchObject({ status: 401 })
    let fetched = 0
    using renewing = createApi({
      access: async () => {
        fetched += 1
        return parseKubeconfig(await at.lab.kubeconfig(), 'k')
      },
    })
    expect(await exec('ceph osd dump', { by: renewing })).toMatchObject({ code: 0 })
    at.lab.expireCredentials()
    expect(await exec('ceph osd dump', { by: renewing })).toMatchObject({ code: 0 })
    expect(fetched).toBe(2)
  })

  test('is not sent to a server that the kubeconfig’s CA does not vouch for', async () => {
    const { ca } = await createAuthority('somebody else')
    using lost = createApi({ ...parseKubeconfig(await at.lab.kubeconfig(), 'k'), ca })
    expect(await refusal(exec('ceph', { by: lost }))).toMatchObject({ code: 'misconfigured' })
    expect(at.diary()).toEqual([])
  })
})

describe('something else that answers a command', () => {
  const channel = (number: number, text: string) => Buffer.concat([Buffer.from([number]), Buffer.from(text)])
  let server: Server
  let api: Api
  let answer: (upgraded: () => Promise<WebSocket>, socket: Duplex) => unknown
  let where: string
  beforeEach(async () => {
    const authority = await createAuthority('kubernetes')
    server = createServer(await authority.issueServer({ common: 'proxy', ips: ['127.0.44.129'] }))
    const sockets = new WebSocketServer({ noServer: true })
    server.on('upgrade', (request, socket: Duplex, head) => {
      socket.on('error', () => {})
      const upgraded = () =>
        new Promise<WebSocket>((resolve) => sockets.handleUpgrade(request, socket, head, (one) => resolve(one)))
      void answer(upgraded, socket)
    })
    await once(server.listen(0, '127.0.44.129'), 'listening')
    const { port } = server.address() as AddressInfo
    where = `the Kubernetes API at 127.0.44.129:${port}`
    const access = { ca: authority.ca, cert: undefined, key: undefined, token: 'x' }
    api = createApi({ server: new URL(`https://127.0.44.129:${port}`), ...access })
  })
  afterEach(async () => {
    api[Symbol.dispose]()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const exec = (signal = soon()) => api.exec({ namespace: 'a', pod: 'b', command: ['c'], signal })

  test('in pieces, and with characters that are in two of them, is put together', async () => {
    answer = async (upgraded) => {
      const socket = await upgraded()
      const text = Buffer.from('grün')
      socket.send(Buffer.concat([Buffer.from([1]), text.subarray(0, 3)]))
      socket.send(Buffer.concat([Buffer.from([1]), text.subarray(3)]))
      socket.send(Buffer.from([]))
      socket.send(channel(7, 'of the future'))
      const status = { status: 'Failure', details: { causes: [{ reason: 'ExitCode', message: '3' }] } }
      const half = JSON.stringify(status).slice(0, 30)
      socket.send(channel(3, half))
      socket.send(channel(3, JSON.stringify(status).slice(30)))
    }
    expect(await exec()).toEqual({ code: 3, stdout: 'grün', stderr: '' })
  })

  test('and does not say how the command ended is not taken to say that it went well', async () => {
    answer = async (upgraded) => {
      const socket = await upgraded()
      socket.send(channel(1, 'noout is set'))
      socket.close()
    }
    const message = `${where}: the connection closed before the command reported its exit code`
    expect(await refusal(exec())).toMatchObject({ code: 'unreachable', message })
  })

  test.each([
    {
      status: '{"status":"Failure","message":"container not found","code":500}',
      code: 'unreachable',
      words: 'container not found',
    },
    { status: '{"status":"Failure","message":"no","code":400}', code: 'rejected', words: 'no' },
    {
      status: '{"status":"Failure","details":{"causes":[{"reason":"ExitCode","message":"0"}]}}',
      code: 'unreachable',
      words: '{"status"',
    },
    { status: '7', code: 'unreachable', words: '7' },
  ])('$status of the end tells that it could not be run', async ({ status, code, words }) => {
    answer = async (upgraded) => (await upgraded()).send(channel(3, status))
    const message = expect.stringContaining(`${where} could not run a command: ${words}`)
    expect(await refusal(exec())).toMatchObject({ code, message })
  })

  test('without an end is given up', async () => {
    answer = async (upgraded) => {
      const socket = await upgraded()
      const much = channel(1, 'x'.repeat(1_048_576))
      for (let sent = 0; sent < 18; sent++) socket.send(much)
    }
    const message = `${where}: the output of the command is too large`
    expect(await refusal(exec())).toMatchObject({ code: 'unreachable', message })
  })

  test.each([
    { line: '200 OK', body: '{}', code: 'malformed', words: 'without a WebSocket: {}' },
    {
      line: '502 Bad Gateway',
      body: '<html>no backend</html>',
      code: 'unreachable',
      words: 'HTTP 502 <html>no backend</html>',
    },
    { line: '302 Found', body: '', code: 'rejected', words: 'HTTP 302' },
  ])('in HTTP with $line is told from the API', async ({ line, body, code, words }) => {
    answer = (_, socket) => socket.end(`HTTP/1.1 ${line}\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
    expect(await refusal(exec())).toMatchObject({ code, message: expect.stringContaining(words) })
  })

  test('in HTTP without an end is not read to it', async () => {
    answer = (_, socket) => socket.write(`HTTP/1.1 503 No\r\ncontent-length: 9000000\r\n\r\n${'x'.repeat(100_000)}`)
    const message = expect.stringMatching(/HTTP 503 x+$/)
    expect(await refusal(exec())).toMatchObject({ code: 'unreachable', status: 503, message })
  })

  test('with silence is left with the signal', async () => {
    answer = () => {}
    const message = expect.stringMatching(/^the Kubernetes API at .* did not answer within (?:\d+ ms|\d+ s)$/)
    expect(await refusal(exec(soon(60)))).toMatchObject({ code: 'unreachable', message })
    answer = (_, socket) => socket.write('HTTP/1.1 403 Forbidden\r\ncontent-length: 100\r\n\r\nno')
    expect(await refusal(exec(soon(60)))).toMatchObject({ code: 'unreachable', message })
  })
})

/** Speaks TLS where no API server of the lab does. */
const speakerAt = '127.0.116.11'

test('an exit code that comes in pieces without end is given up', async () => {
  const authority = await createAuthority('lab')
  const server = createServer(await authority.issueServer({ common: 'api', ips: [speakerAt], dns: [] }))
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'v5.channel.k8s.io' })
  sockets.on('connection', (socket) => {
    for (let piece = 0; piece < 100; piece += 1) socket.send(Buffer.from([3, 0x7b]))
  })
  server.listen(0, speakerAt)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as { port: number }
  const access = { server: new URL(`https://${speakerAt}:${port}`), ca: authority.ca, cert: undefined, key: undefined }
  using api = createApi({ ...access, token: 'x' })
  const error = await refusal(api.exec({ namespace: 'a', pod: 'b', command: ['c'], signal: soon() }))
  expect(error.message).toContain('the exit code of the command never ends')
})
