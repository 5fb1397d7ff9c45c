import { beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { endpointOf, missingRole, parseTalosconfig, withTalosClient } from '../../../src/adapters/talos/talosconfig.ts'
import { AgentError } from '../../../src/core/errors.ts'
import { createAuthority, type Identity, type LabAuthority, withTalosLabel } from '../../lab/authority.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
let authority: LabAuthority
let admin: Identity
beforeAll(async () => {
  authority = await createAuthority('talos')
  admin = await authority.issueClient({ common: 'caretaker', organizations: ['os:admin'] })
})

const context = ({ cert, key }: Identity = admin) => ({
  endpoints: ['192.168.0.2'],
  ca: base64(authority.ca),
  crt: base64(cert),
  key: base64(withTalosLabel(key)),
})
const fileOf = (contexts: object, chosen: string | null = 'lab') =>
  stringify({ ...(chosen === null ? {} : { context: chosen }), contexts })
const rolesOf = async (...organizations: string[]) =>
  parseTalosconfig(
    fileOf({ lab: context(await authority.issueClient({ common: 'caretaker', organizations })) }),
    'talosconfig',
  ).roles

function refusalOf(text: string, chosen?: string): string {
  let error: unknown
  try {
    parseTalosconfig(text, '/etc/talosconfig', chosen)
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(AgentError)
  expect(error).toMatchObject({ code: 'misconfigured', message: expect.stringMatching(/^\/etc\/talosconfig: /) })
  return (error as AgentError).message.slice('/etc/talosconfig: '.length)
}

describe('a talosconfig', () => {
  test('gives the PEM texts of its own context, the key under a label that OpenSSL knows', () => {
    const file = fileOf({ lab: context(), work: { ca: 'x' } })
    expect(file).not.toContain(base64(admin.key))
    expect(parseTalosconfig(file, 'talosconfig')).toMatchObject({
      ca: authority.ca,
      cert: admin.cert,
      key: admin.key,
      roles: ['os:admin'],
    })
  })

  test('gives the context that the configuration names', () => {
    const file = fileOf({ lab: context(), work: {} }, 'work')
    expect(parseTalosconfig(file, 'talosconfig', 'lab').cert).toBe(admin.cert)
  })

  test('tells the roles and the end of its certificate', async () => {
    expect(await rolesOf('os:reader')).toEqual(['os:reader'])
    expect(await rolesOf()).toEqual([])
    const { expires } = parseTalosconfig(fileOf({ lab: context() }), 'talosconfig')
    expect(expires.getTime() - Date.now()).toBeGreaterThan(364 * 86_400_000)
  })

  test('tells several roles, which one part of the subject holds', async () => {
    expect(await rolesOf('os:operator', 'os:etcd:backup', 'os:reader')).toEqual(
      expect.arrayContaining(['os:operator', 'os:etcd:backup', 'os:reader']),
    )
  })

  test('that is nonsense is refused with what is wrong', async () => {
    const { crt, ...withoutCrt } = context()
    const other = await authority.issueClient({ common: 'x', organizations: ['os:admin'] })
    const refusals: [string, unknown][] = [
      ['{', expect.stringMatching(/^it is not valid YAML: /)],
      ['', 'it has no current context: set cluster.context'],
      [fileOf({ lab: context() }, null), 'it has no current context: set cluster.context'],
      [fileOf({ lab: context(), work: {} }, 'home'), 'it has no context "home"; it has lab, work'],
      [fileOf({}, 'home'), 'it has no context "home"; it has none'],
      [fileOf({ lab: withoutCrt }), 'the context "lab" has no crt'],
      [fileOf({ lab: { ...context(), key: '' } }), 'the context "lab" has no key'],
      [fileOf({ lab: { ...context(), ca: admin.cert } }), 'ca of the context "lab" is not base64-encoded PEM'],
      [
        fileOf({ lab: { ...context(), crt: base64('-----BEGIN CERTIFICATE-----\nAAAA\n') } }),
        expect.stringMatching(/^crt .* is not a cert/),
      ],
      [
        fileOf({ lab: { ...context(), key: context(other).key } }),
        expect.stringMatching(/^crt and key of the context "lab" can't be used: /),
      ],
      [
        fileOf({ lab: { ...context(), key: base64('-----BEGIN RSA PRIVATE KEY-----\nAA\n') } }),
        expect.stringMatching(/^crt and key of .*used/),
      ],
      [
        fileOf({ lab: { endpoints: [], auth: { siderov1: { identity: 'me' } } } }),
        'the context "lab" logs in through Omni, which needs a person at a browser: use a talosconfig with a client certificate',
      ],
    ]
    expect(crt).toBeDefined()
    for (const [text, words] of refusals) expect(refusalOf(text)).toEqual(words)
    expect(refusalOf(fileOf({ lab: context() }), 'work')).toBe('it has no context "work"; it has lab')
  })
})

test('a talosconfig that is no YAML is refused with the place, and without a word of it', () => {
  for (const [text, words] of [
    ['context: lab\nkey: "hunter2\n', /^it is not valid YAML: line 3, column 1: a quote is opened and not closed$/],
    ['a: b: hunter2\n', /^it is not valid YAML: line 1, column \d+: another setting follows where a value stands/],
    ['contexts: *hunter2\n', /an alias \(\*name\) without an anchor/],
    [
      'hunter2: 1\nhunter2: 2\n',
      /^it is not valid YAML: line 2, column 1: this setting is already set on the same level: keep one of them$/,
    ],
  ] as const) {
    expect(refusalOf(text)).toMatch(words)
    expect(refusalOf(text)).not.toContain('hunter2')
  }
})

describe('a talosconfig whose client is replaced', () => {
  test('keeps its comments, its endpoints and its other contexts', async () => {
    const fresh = await authority.issueClient({ common: 'x', organizations: ['os:admin'] })
    const file = `# mine\n${fileOf({ lab: context(), work: { endpoints: ['10.0.0.9'], crt: 'theirs' } })}`
    const client = { crt: fresh.cert, key: withTalosLabel(fresh.key) }
    const text = withTalosClient(file, 'talosconfig', undefined, client)
    expect(text).toMatch(/^# mine\n/)
    expect(parse(text)).toEqual({
      context: 'lab',
      contexts: { lab: context(fresh), work: { endpoints: ['10.0.0.9'], crt: 'theirs' } },
    })
    expect(parseTalosconfig(text, 'talosconfig').cert).toBe(fresh.cert)
  })

  test('is refused by name where its context is an alias', async () => {
    const fresh = await authority.issueClient({ common: 'x', organizations: ['os:admin'] })
    const client = { crt: fresh.cert, key: withTalosLabel(fresh.key) }
    const aliased = `shared: &shared ${JSON.stringify(context())}\ncontext: lab\ncontexts: { lab: *shared }\n`
    expect(parseTalosconfig(aliased, 'talosconfig').cert).toBe(admin.cert)
    expect(() => withTalosClient(aliased, 'talosconfig', undefined, client)).toThrow(
      new AgentError(
        'misconfigured',
        'talosconfig: the context "lab" is a YAML alias (*name): write it out to have it renewed',
      ),
    )
  })

  test('is replaced in the context that the configuration names', async () => {
    const fresh = await authority.issueClient({ common: 'x', organizations: ['os:admin'] })
    const client = { crt: fresh.cert, key: withTalosLabel(fresh.key) }
    const text = withTalosClient(fileOf({ lab: context(), work: context() }, 'work'), 'talosconfig', 'lab', client)
    expect(parseTalosconfig(text, 'talosconfig', 'lab').cert).toBe(fresh.cert)
    expect(parseTalosconfig(text, 'talosconfig').cert).toBe(admin.cert)
  })
})

describe('what a role allows', () => {
  const now = new Date('2026-11-22T03:00:00Z')
  const later = new Date('2027-01-01T00:00:00Z')
  const lacking = (roles: readonly string[], upgrades: boolean, expires = later) =>
    missingRole({ ca: '', cert: '', key: '', roles, expires }, { upgrades, now })

  test('is all for os:admin, and shutting down for os:operator', () => {
    expect(lacking(['os:admin'], true)).toBeUndefined()
    expect(lacking(['os:admin'], false)).toBeUndefined()
    expect(lacking(['os:operator'], false)).toBeUndefined()
    expect(lacking(['os:etcd:backup', 'os:operator'], false)).toBeUndefined()
  })

  test('is told with what is missing and how to get it', () => {
    expect(lacking(['os:operator'], true)).toBe(
      'its certificate has the role os:operator, not os:admin, which upgrades need (os:operator is enough with ' +
        'upgrade.enabled: false): make one with `talosctl config new --roles os:admin`',
    )
    expect(lacking(['os:reader'], false)).toBe(
      'its certificate has the role os:reader, not os:operator or os:admin, which Shutdown needs: make one with ' +
        '`talosctl config new --roles os:operator`',
    )
    expect(lacking([], false)).toContain('the role (none), not')
  })

  test('is nothing once the certificate has ended', () => {
    expect(lacking(['os:admin'], true, now)).toMatch(
      /^its certificate expired on 2026-11-22: make a new one from the cluster's secrets with `talosctl gen config --with-secrets secrets\.yaml /,
    )
  })
})

describe('the address of a node', () => {
  test.each([
    ['192.168.0.2', 'https://192.168.0.2:50000'],
    ['cp-1.lan', 'https://cp-1.lan:50000'],
    ['fd00::2', 'https://[fd00::2]:50000'],
    ['192.168.0.2:50001', 'https://192.168.0.2:50001'],
    ['[fd00::2]:50001', 'https://[fd00::2]:50001'],
  ])('%s is called at %s', (address, url) => {
    expect(endpointOf(address)).toBe(url)
  })
})
