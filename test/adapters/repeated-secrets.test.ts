import { createServer as createSecureServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createChecks } from '../../src/adapters/checks/checks.ts'
import { createFactory } from '../../src/adapters/factory/factory.ts'
import { createApi } from '../../src/adapters/kubernetes/api.ts'
import { createHosts } from '../../src/adapters/machines/hosts.ts'
import { createNutUps } from '../../src/adapters/nut/ups.ts'
import { messageOf } from '../../src/core/errors.ts'
import { createAuthority } from '../lab/authority.ts'
import { startHttp } from '../lab/http.ts'
import { startSpeaker } from '../lab/speaker.ts'
import { soon } from '../patience.ts'

/** In each secret. */
const canary = 'S3cr3tCanary'
const basic = Buffer.from(`me:${canary}`).toString('base64')
const address = '127.0.116.7'

let stack: AsyncDisposableStack
beforeEach(() => {
  stack = new AsyncDisposableStack()
})
afterEach(() => stack.disposeAsync())

/** Everything of a request, also what its `Basic` stands for, as a page for developers shows it. */
async function repeat(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  const { url, headers } = request
  const logins = [headers.authorization, headers['proxy-authorization']].map((value = '') =>
    Buffer.from(value.replace(/^Basic /, ''), 'base64').toString('latin1'),
  )
  const { host: _, 'user-agent': __, accept: ___, ...ours } = headers
  return [url, ...Object.values(ours), ...logins, body].join(' | ')
}

/** In JSON as Prometheus and Kubernetes refuse, or as a text. */
function answerWith(status: number, isJson: boolean) {
  return async (request: IncomingMessage, response: ServerResponse) => {
    const said = await repeat(request)
    const json = { kind: 'Status', message: said, status: 'error', errorType: 'bad_data', error: said }
    response.writeHead(status, status === 302 ? { location: `http://[${said.replaceAll(/[^ -~]/g, '?')}` } : {})
    response.end(isJson ? JSON.stringify(json) : said)
  }
}

async function startEcho(status: number, isJson: boolean): Promise<string> {
  const answer = answerWith(status, isJson)
  return stack.use(await startHttp((...wire) => void answer(...wire), address)).host
}

/** What is said of a call that can't come to anything. */
const said = (call: Promise<unknown>) => call.then((answer) => JSON.stringify(answer ?? ''), messageOf)

interface Asking {
  readonly what: string
  readonly ask: (host: string) => Promise<unknown>
}

const checks = createChecks({ objects: { find: async () => [] } })
const query = (url: string) => checks.run({ name: 'up', prometheus: { url, query: 'up' } }, soon())
const look = (url: string) => checks.run({ name: 'up', http: { url, status: 204 } }, soon())
const call = (host: string, more: object) =>
  createHosts([{ name: 'nas', address, shutdown: { kind: 'http', url: `http://${host}/off`, ...more } }]).shutDown(
    'nas',
    soon(),
  )
const versions = (host: string, options: Parameters<typeof createFactory>[1]) =>
  createFactory(`http://${host}`, options).versions(soon())

const askings: readonly Asking[] = [
  {
    what: 'a Factory with a token',
    ask: (host) => versions(host, { access: async () => ({ authorization: `Bearer ${canary}` }) }),
  },
  {
    what: 'a Factory with a login',
    ask: (host) => versions(host, { access: async () => ({ authorization: `Basic ${basic}` }) }),
  },
  {
    what: 'a proxy before the Factory',
    ask: (host) => versions('factory.invalid', { environment: { http_proxy: `http://me:${canary}@${host}` } }),
  },
  { what: 'a Prometheus behind a login', ask: (host) => query(`http://me:${canary}@${host}`) },
  { what: 'a Prometheus at a secret path', ask: (host) => query(`http://${host}/${canary}`) },
  { what: 'a page that is looked at', ask: (host) => look(`http://me:${canary}@${host}/${canary}?key=${canary}`) },
  { what: 'a host with a login in its URL', ask: (host) => call(host, { url: `http://me:${canary}@${host}/` }) },
  { what: 'a host with a header', ask: (host) => call(host, { headers: { Authorization: `Basic ${basic}` } }) },
  {
    what: 'a host with a header of its own',
    ask: (host) => call(host, { headers: { 'X-Key': `Token token="${canary}"` } }),
  },
  { what: 'a host with JSON', ask: (host) => call(host, { body: JSON.stringify({ user: 'me', password: canary }) }) },
  { what: 'a host with a form', ask: (host) => call(host, { body: `user=me&password=${canary}` }) },
]

const answers = [400, 401, 403, 404, 500, 302, 200].flatMap((status) =>
  [true, false].map((isJson) => ({ status, isJson })),
)

test.each(askings)('$what that repeats what it is sent tells nobody our secret', async ({ ask }) => {
  const told: string[] = []
  for (const { status, isJson } of answers) told.push(await said(ask(await startEcho(status, isJson))))
  expect(told.filter((text) => text.includes('…')).length).toBeGreaterThan(0)
  expect(told.filter((text) => text.includes(canary) || text.includes(basic.slice(0, 12)))).toEqual([])
})

test('an API server that repeats what it is sent tells nobody our token', async () => {
  const authority = await createAuthority('lab')
  const server = await authority.issueServer({ common: 'api', ips: [address], dns: [] })
  const told: string[] = []
  for (const { status, isJson } of answers) {
    const answer = answerWith(status, isJson)
    const listening = createSecureServer(server, (...wire) => void answer(...wire)).listen(0, address)
    await once(listening, 'listening')
    const { port } = listening.address() as AddressInfo
    const access = { server: new URL(`https://${address}:${port}`), ca: authority.ca, token: canary }
    using api = createApi({ ...access, cert: undefined, key: undefined })
    for (const as of [{}, { as: 'text' }] as const)
      told.push(await said(api.send({ method: 'GET', path: '/version', ...as, signal: soon() }).then(() => '')))
    const exec = { namespace: 'a', pod: 'b', command: ['c'], signal: soon() }
    told.push(await said(api.exec(exec)))
    listening.closeAllConnections()
    listening.close()
  }
  expect(told.filter((text) => text.includes('…')).length).toBeGreaterThan(0)
  expect(told.filter((text) => text.includes(canary))).toEqual([])
})

/** How a server that is not upsd may repeat a line. */
const repeats: Readonly<Record<string, (line: string) => string>> = {
  'as its answer': (line) => line,
  'before its answer': (line) => `${line}\nOK`,
  'after its answer': (line) => `OK\nyou said ${line}`,
  'in a refusal': (line) => `ERR UNKNOWN-COMMAND ${line}`,
  'alone in a refusal': (line) => `ERR ACCESS-DENIED not ${line.slice(line.indexOf(' ') + 1)}`,
  'in a list': (line) => (line.startsWith('LIST') ? `BEGIN ${line}` : `OK\n${line}`),
  'in quotes': (line) => `OK\n"${line}`,
}

describe.each([canary, `${canary} "#\\ end`, 'abc'])('the password %s', (password) => {
  test.each(Object.entries(repeats))('is not told where a server repeats it %s', async (_, repeated) => {
    await using server = await startSpeaker(address, (line, socket) => {
      const answer = line.startsWith('USERNAME') ? 'OK' : repeated(line)
      socket.write(line.startsWith('GET VAR') ? `VAR ups ${line.split(' ').at(-1)} "OL"\n` : `${answer}\n`)
    })
    const told: string[] = []
    const tell = (text: string | undefined) => void told.push(text ?? '')
    await using ups = createNutUps({
      name: 'ups',
      host: address,
      port: server.port,
      credentials: { user: 'me', password },
      timeout: 200,
      retryUpTo: 1,
      onLoginRefused: tell,
      onUnclear: tell,
    })
    const all = [ups.read, (signal: AbortSignal) => ups.command('load.off', signal), ups.mayBePrimary, ups.details]
    for (const one of [...all, ups.numLogins, ups.read]) tell(await said(one(soon())))
    expect(told.join('\n')).not.toMatch(password === 'abc' ? /PASSWORD "?abc/ : /S3cr3t/)
  })
})
