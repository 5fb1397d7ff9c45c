import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { createApi } from '../../../src/adapters/kubernetes/api.ts'
import { headersOf } from '../../../src/adapters/kubernetes/entry.ts'
import {
  hasEmbeddedClient,
  parseKubeconfig,
  withClientCertificate,
} from '../../../src/adapters/kubernetes/kubeconfig.ts'
import { AgentError } from '../../../src/core/errors.ts'
import { createAuthority, type Identity, type LabAuthority } from '../../lab/authority.ts'
import { createKubernetesApi, type KubernetesApi } from '../../lab/kubernetes/api.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const address = '127.0.44.172'
const server = `https://${address}:26443`
const stack = new AsyncDisposableStack()
let authority: LabAuthority
let directory: string
let me: Identity
let lab: KubernetesApi
beforeAll(async () => {
  authority = await createAuthority('kubernetes')
  me = await authority.issueClient({ common: 'me', organizations: ['system:masters'] })
  directory = await mkdtemp(join(tmpdir(), 'caretaker-kubeconfig-'))
  stack.defer(() => rm(directory, { recursive: true }))
  const tokens = { 'secret-token': { name: 'bot', groups: ['system:masters'] }, other: { name: 'other', groups: [] } }
  lab = stack.use(createKubernetesApi({ address, port: 26_443, authority, tokens, denyWrites: ['readers'] }))
  lab.addNode({ name: 'w-1', role: 'worker', address: '10.0.0.1' })
  lab.addCeph({ namespace: 'rook-ceph' })
  await lab.start()
})
afterAll(() => stack.disposeAsync())

const embedded = () => ({ 'client-certificate-data': base64(me.cert), 'client-key-data': base64(me.key) })
function fileOf(user: object, cluster: object = {}, more: object = {}): string {
  return stringify({
    'current-context': 'lab',
    contexts: [{ name: 'lab', context: { cluster: 'home', user: 'me' } }],
    clusters: [{ name: 'home', cluster: { server, 'certificate-authority-data': base64(authority.ca), ...cluster } }],
    users: [{ name: 'me', user }],
    ...more,
  })
}
const access = (user: object, cluster: object = {}) =>
  parseKubeconfig(fileOf(user, cluster), join(directory, 'kubeconfig'))
let cordoned = false

/** Who the API server took us for when we changed something. */
async function actsAs(user: object): Promise<string | undefined> {
  using api = createApi(access(user))
  const body = { spec: { unschedulable: !cordoned } }
  await api.send({ method: 'PATCH', path: '/api/v1/nodes/w-1', body, signal: soon() })
  cordoned = !cordoned
  return lab.diary.at(-1)?.by
}
const versionBy = async (user: object, cluster: object = {}) => {
  using api = createApi(access(user, cluster))
  return (await api.send<{ gitVersion: string }>({ method: 'GET', path: '/version', signal: soon() })).gitVersion
}

function refusalOf(text: string): string {
  let thrown: unknown
  try {
    parseKubeconfig(text, '/etc/kubeconfig')
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(AgentError)
  expect(thrown).toMatchObject({ code: 'misconfigured', message: expect.stringMatching(/^\/etc\/kubeconfig: /) })
  return (thrown as AgentError).message.slice('/etc/kubeconfig: '.length)
}

describe('a kubeconfig that says as whom to act', () => {
  test('is heeded: what we do is done as that user, with that user’s rights', async () => {
    expect(await actsAs(embedded())).toBe('me')
    expect(await actsAs({ ...embedded(), as: 'nobody' })).toBe('nobody')
    expect(await actsAs({ token: 'secret-token', as: 'nöbödy' })).toBe('nöbödy')
    const denied = await refusal(actsAs({ ...embedded(), as: 'nobody', 'as-groups': ['some', 'readers'] }))
    expect(denied.message).toContain('User "nobody" cannot patch resource "nodes"')
  })

  test('is heeded for commands in pods as well', async () => {
    const pod = lab.pods().find(({ metadata }) => metadata.labels?.['app'] === 'rook-ceph-tools')!
    const where = { namespace: 'rook-ceph', pod: pod.metadata.name, command: ['ceph', 'osd', 'dump'] }
    using api = createApi(access({ ...embedded(), as: 'nobody' }))
    await api.exec({ ...where, signal: soon() })
    expect(lab.diary.at(-1)).toMatchObject({ by: 'nobody', text: expect.stringContaining('exec') })
    using weak = createApi(access({ ...embedded(), as: 'nobody', 'as-groups': ['readers'] }))
    expect((await refusal(weak.exec({ ...where, signal: soon() }))).message).toContain('User "nobody" cannot')
  })

  test('is refused by the API where the user behind it may not', async () => {
    expect((await refusal(actsAs({ token: 'other', as: 'admin' }))).message).toContain(
      // The API of the lab calls each user by the token, which is in no error of ours.
      'User "…" cannot impersonate resource "users"',
    )
  })

  test('puts all of it into headers, as client-go does', () => {
    const user = {
      ...embedded(),
      as: 'jane',
      'as-uid': '42',
      'as-groups': ['a', 'b c'],
      'as-user-extra': { 'example.com/Scope': ['x', 'y'], none: [], ä: ['é'] },
    }
    expect(headersOf(access(user))).toEqual({
      'user-agent': 'caretaker',
      'impersonate-user': 'jane',
      'impersonate-uid': '42',
      'impersonate-group': ['a', 'b c'],
      'impersonate-extra-example.com%2FScope': ['x', 'y'],
      'impersonate-extra-%C3%A4': [Buffer.from('é').toString('latin1')],
    })
  })

  test.each([
    [
      { 'as-groups': ['a'] },
      'the user "me" has as-uid, as-groups or as-user-extra but no `as`: set the user to impersonate',
    ],
    [
      { 'as-uid': '1' },
      'the user "me" has as-uid, as-groups or as-user-extra but no `as`: set the user to impersonate',
    ],
    [{ 'as-user-extra': { a: ['b'] } }, expect.stringContaining('no `as`')],
    [{ as: 7 }, 'as of the user "me" is not a string: put it in quotes'],
    [{ as: 'x', 'as-groups': 'a' }, 'as-groups of the user "me" is not a list of strings'],
    [{ as: 'x', 'as-user-extra': { a: 'b' } }, 'as-user-extra.a of the user "me" is not a list of strings'],
    [{ as: 'x', 'as-user-extra': ['b'] }, 'as-user-extra of the user "me" is not a map of lists'],
    [{ as: 'a\nb' }, expect.stringContaining('contains a control character')],
    [{ as: 'x', 'as-groups': ['a', 'b\r\nx: y'] }, expect.stringContaining('contains a control character')],
    [{ as: 'x', 'as-user-extra': { a: ['\0'] } }, expect.stringContaining('contains a control character')],
  ])('is refused where it is incomplete or has another shape: %j', (fields, words) => {
    expect(refusalOf(fileOf({ ...embedded(), ...fields }))).toEqual(words)
  })

  // kubectl takes no notice of these, and acts with all rights of the user.
  test.each(['impersonate', 'impersonate-groups', 'act-as', 'actAs', 'as-user', 'as-group', 'asUser', 'as_extra'])(
    'is refused where it does so by %s, which nobody heeds',
    (field) => {
      expect(refusalOf(fileOf({ ...embedded(), [field]: 'nobody' }))).toBe(
        `${field} of the user "me" is not a kubeconfig field: impersonation is set with as, as-uid, as-groups and as-user-extra`,
      )
    },
  )
})

describe('the name in the server’s certificate', () => {
  test.each(['kubernetes.default', 'localhost', address])('may be %s, where the kubeconfig says so', async (name) => {
    expect(await versionBy(embedded(), { 'tls-server-name': name })).toBe('v1.36.3')
  })

  test.each(['other.example', '10.9.9.9'])('is not %s', async (name) => {
    const cluster = { 'tls-server-name': name }
    expect(await refusal(versionBy(embedded(), cluster))).toMatchObject({
      code: 'misconfigured',
      message: expect.stringContaining(name),
    })
    using api = createApi(access(embedded(), cluster))
    const exec = api.exec({ namespace: 'rook-ceph', pod: 'x', command: ['true'], signal: soon() })
    expect(await refusal(exec)).toMatchObject({ code: 'misconfigured' })
  })
})

describe('the address of the server', () => {
  test.each(['', '/', '//', '///'])('may end with "%s", and no request goes to another host', async (end) => {
    expect(await versionBy(embedded(), { server: server + end })).toBe('v1.36.3')
    const pod = lab.pods().find(({ metadata }) => metadata.labels?.['app'] === 'rook-ceph-tools')!
    using api = createApi(access(embedded(), { server: server + end }))
    const command = ['ceph', 'osd', 'dump']
    const ran = await api.exec({ namespace: 'rook-ceph', pod: pod.metadata.name, command, signal: soon() })
    expect(ran.code).toBe(0)
  })
})

describe('a token', () => {
  const inFile = async (text: string) => {
    await writeFile(join(directory, 'token'), text)
    return { tokenFile: 'token' }
  }

  test('may be in a file, which comes before one that is embedded', async () => {
    expect(await actsAs(await inFile('secret-token\n'))).toBe('bot')
    expect(await actsAs({ ...(await inFile('  secret-token\r\n\n')), token: 'stale' })).toBe('bot')
  })

  test('may have a line break at its end', async () => {
    expect(await actsAs({ token: 'secret-token\n' })).toBe('bot')
  })

  test('is refused with one message where it can be none, and is not repeated', async () => {
    const why = 'contains a line break or another character that tokens do not allow'
    expect(refusalOf(fileOf({ token: 'hunter2\nhunter2' }))).toBe(`token of the user "me" ${why}`)
    expect(refusalOf(fileOf({ token: 'hunter2 hunter2' }))).toBe(`token of the user "me" ${why}`)
    expect(refusalOf(fileOf({ token: 'hünter2' }))).toBe(`token of the user "me" ${why}`)
    expect(refusalOf(fileOf({ token: 12_345 }))).toBe('token of the user "me" is not a string: put it in quotes')
    expect(refusalOf(fileOf({ token: '\n' }))).toBe('token of the user "me" is empty')
    expect(refusalOf(fileOf({ tokenFile: '/no/such/token' }))).toMatch(/^tokenFile can't be read: it does not exist/)
    const file = await inFile('hunter2\0hunter2')
    expect(() => access(file)).toThrow(`tokenFile of the user "me" ${why}`)
  })
})

describe('data', () => {
  test('that are empty beside a path count as absent', async () => {
    await writeFile(join(directory, 'me.crt'), me.cert)
    await writeFile(join(directory, 'me.key'), me.key)
    await writeFile(join(directory, 'ca.crt'), authority.ca)
    const user = {
      'client-certificate-data': '',
      'client-certificate': 'me.crt',
      'client-key-data': null,
      'client-key': 'me.key',
    }
    const cluster = { 'certificate-authority-data': ' \n', 'certificate-authority': 'ca.crt' }
    expect(await versionBy(user, cluster)).toBe('v1.36.3')
    expect(access(user, cluster).files).toEqual(['me.crt', 'me.key', 'ca.crt'].map((name) => join(directory, name)))
  })

  test('come before a path, and may be broken into lines', async () => {
    const lines = base64(me.cert).replaceAll(/.{64}/g, '$&\n')
    expect(await versionBy({ ...embedded(), 'client-certificate-data': lines, 'client-key': 'none' })).toBe('v1.36.3')
  })

  test.each(['client-certificate-data', 'client-key-data'])('of %s that are no base64 are named', (key) => {
    for (const junk of ['%%%%', 'hunter2!', `${base64(me.key)}=`, base64(me.key).replaceAll('L', '-'), 'abcde'])
      expect(refusalOf(fileOf({ ...embedded(), [key]: junk }))).toBe(`${key} of the user "me" is not base64`)
    expect(refusalOf(fileOf({ ...embedded(), [key]: 7 }))).toBe(
      `${key} of the user "me" is not a string: put it in quotes`,
    )
  })

  test('of the CA are named where they are no base64, or no certificate', () => {
    const withCa = (text: string) => refusalOf(fileOf(embedded(), { 'certificate-authority-data': text }))
    expect(withCa('&&&&')).toBe('certificate-authority-data of the cluster "home" is not base64')
    expect(withCa(base64('hunter2'))).toBe('certificate-authority of the cluster "home" contains no PEM certificate')
  })
})

describe('a kubeconfig is refused by name', () => {
  test.each<{ name: string; user?: object; cluster?: object; words: string | RegExp }>([
    {
      name: 'a proxy',
      cluster: { 'proxy-url': 'http://proxy:3128' },
      words: /^the cluster "home" has a proxy-url, and proxies are not supp/,
    },
    { name: 'a socks proxy', cluster: { 'proxy-url': 'socks5://proxy' }, words: /proxy-url/ },
    {
      name: 'a user name',
      user: { username: 'u', password: 'hunter2' },
      words: /^the user "me" logs in with a username and a password/,
    },
    { name: 'a password alone', user: { password: 'hunter2' }, words: /username and a password/ },
    {
      name: 'a login program',
      user: { 'auth-provider': { name: 'oidc' } },
      words: /^the user "me" gets its credentials from a program \(auth/,
    },
    {
      name: 'a program',
      user: { exec: { command: 'aws' } },
      words: /^the user "me" gets its credentials from a program: /,
    },
    {
      name: 'no check of the server',
      cluster: { 'insecure-skip-tls-verify': true },
      words: /^insecure-skip-tls-verify is not supported/,
    },
    {
      name: 'a flag that is a text',
      cluster: { 'insecure-skip-tls-verify': 'true' },
      words: /^insecure-skip-tls-verify of the cluster "home" is neither/,
    },
    {
      name: 'a user in the URL',
      cluster: { server: 'https://u:hunter2@api' },
      words: /^the server of the cluster "home" has a user in its URL/,
    },
    {
      name: 'a name of a server that is none',
      cluster: { 'tls-server-name': 'a b' },
      words: /^tls-server-name of the cluster "home" is neither/,
    },
  ])('with $name', ({ user = {}, cluster = {}, words }) => {
    expect(refusalOf(fileOf({ ...embedded(), ...user }, cluster))).toMatch(words)
    expect(refusalOf(fileOf({ ...embedded(), ...user }, cluster))).not.toContain('hunter2')
  })

  test('with half of a client certificate beside a token', () => {
    const half = { token: 'x', 'client-certificate-data': base64(me.cert) }
    expect(refusalOf(fileOf(half))).toMatch(/^the user "me" has a client certificate without its key/)
  })

  test.each<{ user: object; cluster?: object; words: string }>([
    { user: { As: 'nobody' }, words: 'As of the user "me" is not a kubeconfig field: write as' },
    { user: { asGroups: ['a'] }, words: 'asGroups of the user "me" is not a kubeconfig field: write as-groups' },
    { user: { tokenfile: 'a' }, words: 'tokenfile of the user "me" is not a kubeconfig field: write tokenFile' },
    {
      user: {},
      cluster: { proxyURL: 'http://a' },
      words: 'proxyURL of the cluster "home" is not a kubeconfig field: write proxy-url',
    },
    {
      user: {},
      cluster: { 'TLS-Server-Name': 'a' },
      words: 'TLS-Server-Name of the cluster "home" is not a kubeconfig field: write tls-server-name',
    },
  ])('with a field that is spelled otherwise: $user', ({ user, cluster = {}, words }) => {
    expect(refusalOf(fileOf({ ...embedded(), ...user }, cluster))).toBe(words)
  })

  test('but not with what others keep in it', async () => {
    const user = { ...embedded(), extensions: [], as: null, assistant: 'x' }
    expect(await versionBy(user, { extensions: [], 'disable-compression': true })).toBe('v1.36.3')
  })

  test('whose parts are missing, twice there or of another shape', () => {
    const user = { name: 'me', user: embedded() }
    const refusals: [object, string][] = [
      [{ users: [user, user] }, 'it has more than one user "me"'],
      [{ users: { me: {} } }, 'it has no user "me"'],
      [{ users: null }, 'it has no user "me"'],
      [{ users: ['me'] }, 'it has no user "me"'],
      [{ contexts: [{ name: 'lab', context: { cluster: 'home' } }] }, 'the context "lab" names no user'],
      [{ contexts: [{ name: 'lab', context: { user: 'me' } }] }, 'the context "lab" names no cluster'],
      [{ contexts: [{ name: 'lab' }] }, 'the context "lab" names no cluster'],
      [{ clusters: [{ name: 'home' }] }, 'the cluster has no https server'],
      [{ 'current-context': ['lab'] }, 'it has no current-context'],
      [{ 'current-context': 1 }, 'current-context is not a string: put 1 in quotes'],
      [
        { contexts: [{ name: 'lab', context: { cluster: 'home', user: 7 } }] },
        'user of the context "lab" is not a string: put 7 in quotes',
      ],
      [
        { 'current-context': '1', contexts: [{ name: 1, context: { cluster: 'home', user: 'me' } }] },
        'the name of the context "1" is not a string: put it in quotes',
      ],
    ]
    for (const [more, words] of refusals) expect(refusalOf(fileOf(embedded(), {}, more))).toBe(words)
  })

  test('which is no YAML, with the place and without a word of it', () => {
    const broken: [string, string | RegExp][] = [
      ['users:\n  - hunter2: {\n', /^it is not valid YAML: line 3, column 1: ./],
      ['a: b: hunter2\n', /^it is not valid YAML: line 1, column \d+: ./],
      ['token: "hunter2\n', /^it is not valid YAML: line 2, column 1: ./],
      ['token: *hunter2\n', /an alias \(\*name\) without an anchor/],
      ['hunter2: 1\nhunter2: 2\n', /^it is not valid YAML: line 2, column 1: ./],
      ['\thunter2: 1', /^it is not valid YAML: /],
    ]
    for (const [text, words] of broken) {
      expect(refusalOf(text)).toMatch(words)
      expect(refusalOf(text)).not.toContain('hunter2')
    }
  })
})

describe('a client certificate that is replaced', () => {
  const replace = (text: string) =>
    withClientCertificate(text, '/etc/kubeconfig', { cert: me.cert, key: me.key, ca: authority.ca })

  test.each([
    ['JSON', () => JSON.stringify(parse(fileOf({ ...embedded(), token: 'x' })))],
    ['a file of Windows', () => `\ufeff${fileOf(embedded())}`.replaceAll('\n', '\r\n')],
    ['the data of an anchor', () => fileOf(embedded()).replace('client-key-data: ', 'client-key-data: &key ')],
  ])('in %s is found again', (_, text) => {
    expect(hasEmbeddedClient(text())).toBe(true)
    expect(parseKubeconfig(replace(text()), 'kubeconfig')).toMatchObject({ cert: me.cert, key: me.key })
  })

  test('is refused by name where its user is an alias', () => {
    const aliased = `shared: &shared ${JSON.stringify(embedded())}\n${fileOf(embedded(), {}, { users: [] })}`.replace(
      'users: []',
      'users: [{ name: me, user: *shared }]',
    )
    expect(parseKubeconfig(aliased, 'kubeconfig').cert).toBe(me.cert)
    expect(() => replace(aliased)).toThrow(
      new AgentError(
        'misconfigured',
        '/etc/kubeconfig: its user or its cluster is a YAML alias (*name): write it out to have it renewed',
      ),
    )
  })
})
