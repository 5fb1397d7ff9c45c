import type { createRandom } from '../../core/random.ts'

type Random = ReturnType<typeof createRandom>

/** What a stranger has got hold of: nothing of it may change anything. */
export interface Loot {
  /** The right address of the door. */
  readonly own: string
  /** Tokens that are wrong, revoked, expired, or may only read. */
  readonly tokens: readonly string[]
  /** Cookies that are forged, over or signed out; the last one is good, and is sent by pages of strangers only. */
  readonly cookies: readonly string[]
  /** A token that is good, as a stranger would like to have it sent: hidden where no header is. */
  readonly good: string
}

const orders = [
  '/api/v1/power/cancel',
  '/api/v1/power/shutdown',
  '/api/v1/power/wake',
  '/api/v1/rollout/pause',
  '/api/v1/rollout/abort',
  '/api/v1/rollout/approve',
  '/api/v1/nodes/w-1/rollback',
  '/api/v1/queue/clear',
  '/api/v1/jobs/upgrade/run',
  '/api/v1/stage',
  '/api/v1/tokens',
  '/api/v1/notifications/test',
]

const questions = ['/api/v1/status', '/api/v1/jobs', '/api/v1/session', '/api/v1/journal?limit=1']

const ways: readonly ((path: string, random: Random) => string)[] = [
  (path) => path,
  (path) => path,
  (path) => path,
  (path) => path.toUpperCase(),
  (path) => `${path}/`,
  (path) => `/${path}`,
  (path) => path.replace('/api', '/api/.'),
  (path) => `/act/..${path}`,
  (path) => `/act/%2e%2e${path}`,
  (path) => path.replaceAll('/', '%2f').replace('%2f', '/'),
  (path) => `${path}%00`,
  (path) => `${path}%`,
  (path) => `${path}%c0%af`,
  (path) => `${path}?token=x&token=y&__proto__=1&a[]=${'b'.repeat(200)}`,
  (path) => `${path};jsessionid=1`,
  (path) => `${path}#x`,
  (path) => path.replaceAll('/', '\\'),
  (path, random) => `${path}/${'../'.repeat(random.below(50))}etc/passwd`,
  (path) => `${path}/${'x'.repeat(12_000)}`,
  (path) => `http://evil.example${path}`,
  (path) => `//evil.example${path}`,
  () => '*',
  () => 'evil.example:443',
]

const methods = [
  'POST',
  'POST',
  'POST',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'GET',
  'HEAD',
  'TRACE',
  'CONNECT',
  'QUERY',
  'PROPFIND',
  'post',
  'GET POST',
  'X'.repeat(40),
]

const strangers = [
  'evil.example',
  'evil.example:8420',
  'nas.lan.evil.example',
  '10.9.9.9',
  '[2001:db8::1]',
  '127.0.0.1@evil.example',
  '127.0.0.1, evil.example',
  'localhost#evil.example',
  '0x7f.1',
  '',
  '[::1',
  'a'.repeat(500),
]

const pages = [
  { origin: 'https://evil.example' },
  { origin: 'null' },
  { origin: 'http://127.0.0.1' },
  { origin: 'http://127.0.0.1.evil.example' },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { 'sec-fetch-site': 'none' },
  { 'sec-fetch-site': 'same-origin, cross-site' },
  { 'sec-fetch-site': 'cross-site', origin: 'http://127.0.0.1:1' },
]

const claims = [
  {},
  {},
  { 'remote-user': 'admin' },
  { 'x-caretaker-by': 'admin' },
  { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' },
  { 'x-forwarded-host': 'localhost', forwarded: 'for=127.0.0.1;host=localhost' },
  { 'x-http-method-override': 'POST', 'x-original-url': '/api/v1/power/cancel' },
  { authorization: 'Basic YWRtaW46YWRtaW4=' },
  { authorization: 'Bearer' },
  { authorization: 'Bearer  ' },
  { 'content-encoding': 'gzip' },
  { expect: '100-continue' },
  { expect: 'the unexpected' },
  { upgrade: 'websocket', connection: 'upgrade' },
  { upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAAP__' },
  { range: 'bytes=0-18446744073709551615' },
  { 'accept-encoding': 'x'.repeat(9_000) },
]

const bodies = [
  '',
  '{}',
  '{"wait":true}',
  '{"reason":"x","__proto__":{"scope":"admin"}}',
  '{"token":"x"}',
  '{"token":["x"]}',
  'null',
  '[]',
  '"x"',
  '{"version":',
  '['.repeat(5_000),
  'a=b&c=d',
  '\u0000\u0001',
  `{"reason":"${'x'.repeat(70_000)}"}`,
]

const types = [
  'application/json',
  'application/json',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-7',
  '',
]

type Headers = Readonly<Record<string, string>>

/** What shows who asks, and is not enough. */
function shown(random: Random, { tokens, cookies }: Loot): Headers {
  const scheme = random.pick(['Bearer', 'bearer', 'BEARER ', 'Token'])
  return random.pick<() => Headers>([
    () => ({}),
    () => ({ authorization: `${scheme} ${random.pick(tokens)}` }),
    () => ({
      cookie: random.pick(cookies.slice(0, -1)),
      ...random.pick<Headers>([{}, { 'sec-fetch-site': 'same-origin' }]),
    }),
    () => ({ cookie: cookies.at(-1)!, ...random.pick(pages) }),
    () => ({ cookie: `${cookies.at(-1)}; ${random.pick(cookies)}`, 'sec-fetch-site': 'same-origin' }),
  ])()
}

/** A request that must change nothing, as bytes. */
export function hostileRequest(random: Random, loot: Loot): string {
  if (random.below(8) === 0) return random.pick(smuggled)(loot)
  const path = random.pick(ways)(random.pick([...orders, ...questions]), random)
  const isLost = random.below(6) === 0
  const headers: Headers = {
    host: isLost ? random.pick(strangers) : loot.own,
    ...random.pick<Headers>(claims),
    ...shown(random, loot),
  }
  const body = random.pick(bodies)
  // Sometimes more is announced than comes.
  const length = Buffer.byteLength(body) + (random.below(12) === 0 ? 10 : 0)
  const framing = { 'content-type': random.pick(types), 'content-length': String(length), connection: 'close' }
  return requestOf(random.pick(methods), path, { ...framing, ...headers }, body)
}

function requestOf(method: string, path: string, headers: Headers, body = ''): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

/** A good order, hidden in what another request carries: whoever takes it for a request of its own was deceived. */
function hidden({ own, good }: Loot): string {
  return requestOf('POST', '/api/v1/power/cancel', {
    host: own,
    authorization: `Bearer ${good}`,
    'content-length': '0',
  })
}

/** Requests that are read in one way by one, and in another by the other. */
const smuggled: readonly ((loot: Loot) => string)[] = [
  (loot) => framed(loot, { 'content-length': String(hidden(loot).length) }, hidden(loot)),
  (loot) => framed(loot, { 'content-length': '5', 'transfer-encoding': 'chunked' }, `0\r\n\r\n${hidden(loot)}`),
  (loot) => framed(loot, { 'transfer-encoding': 'chunked, identity' }, `0\r\n\r\n${hidden(loot)}`),
  (loot) => framed(loot, { 'transfer-encoding': 'xchunked' }, `0\r\n\r\n${hidden(loot)}`),
  (loot) => framed(loot, { 'transfer-encoding': ' chunked ,chunked' }, `0\r\n\r\n${hidden(loot)}`),
  (loot) => framed(loot, { 'transfer-encoding ': 'chunked' }, `0\r\n\r\n${hidden(loot)}`),
  (loot) => framed(loot, { 'content-length': '0, 5' }, hidden(loot)),
  (loot) => framed(loot, { 'content-length': '+0' }, hidden(loot)),
  (loot) => framed(loot, { 'content-length': '-1' }, hidden(loot)),
  (loot) => framed(loot, { 'content-length': '0x0' }, hidden(loot)),
  (loot) => framed(loot, { 'transfer-encoding': 'chunked' }, `ffffffffffffffff\r\n${hidden(loot)}`),
  (loot) => framed(loot, { 'transfer-encoding': 'chunked' }, `1;${'x'.repeat(20_000)}\r\na\r\n0\r\n\r\n`),
  (loot) => `POST /api/v1/power/cancel HTTP/1.1\r\nhost: evil.example\r\ncontent-length: 0\r\n\r\n${hidden(loot)}`,
  (loot) => `POST /api/v1/power/cancel HTTP/1.1\nhost: ${loot.own}\ncontent-length: 0\n\n`,
  (loot) =>
    `POST /api/v1/power/cancel HTTP/1.1\r\nhost: ${loot.own}\r\nx: a\rauthorization: Bearer ${loot.good}\r\n\r\n`,
  (loot) =>
    `POST /api/v1/power/cancel HTTP/1.1\r\nhost: ${loot.own}\r\nx: a\u0000\r\nauthorization: Bearer ${loot.good}\r\n\r\n`,
  (loot) =>
    `POST /api/v1/power/cancel HTTP/1.1\r\nhost: ${loot.own}\r\nx: a\r\n authorization: Bearer ${loot.good}\r\n\r\n`,
  (loot) => `POST /api/v1/power/cancel?authorization=Bearer%20${loot.good} HTTP/1.1\r\nhost: ${loot.own}\r\n\r\n`,
  (loot) => `POST /api/v1/power/cancel HTTP/9.9\r\nhost: ${loot.own}\r\nauthorization: Bearer ${loot.good}\r\n\r\n`,
  () => 'POST /api/v1/power/cancel\r\n\r\n',
  () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  () => '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
  () => '\r\n'.repeat(1_000),
  () => '\u0000'.repeat(1_000),
]

function framed({ own }: Loot, framing: Headers, body: string): string {
  return requestOf('POST', '/api/v1/power/shutdown', { host: own, ...framing }, body)
}
