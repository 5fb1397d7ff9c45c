import { generateKeyPairSync } from 'node:crypto'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkConfiguration } from '../../src/cli/check.ts'
import { type Fault, faultLine } from '../../src/core/fault.ts'
import { createAuthority } from '../lab/authority.ts'
import { temporaryFolder } from '../lab/process.ts'

const uid = process.getuid!()
const keyText = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

interface Setup {
  /** Added to the configuration. */
  readonly add?: string
  readonly state?: string
  /** Files beside it, by name; with a mode where it is not 0600. */
  readonly files?: Readonly<Record<string, string | { readonly text: string; readonly mode: number }>>
  readonly environment?: Readonly<Record<string, string>>
}

const nas = (ssh: string) => `hosts: [{ name: nas, address: 192.168.0.6, shutdown: { ssh: { user: u, ${ssh} } } }]\n`
const hostKey = '192.168.0.6 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP1111111111111111111111111111111111111111111\n'

/** A configuration that is well but for what the test adds. */
async function check({ add = '', state = 'state', files = {}, environment = {} }: Setup = {}) {
  await using folder = await temporaryFolder()
  await chmod(folder.path, 0o755)
  const file = join(folder.path, 'caretaker.yaml')
  await mkdir(join(folder.path, 'share'))
  await writeFile(
    file,
    `schematic: homelab\nshare: { directory: share }\nqueue: { url: redis://127.0.0.1:9 }\nstate: ${state}\n${add}`,
  )
  const all: NonNullable<Setup['files']> = { 'schematics/homelab.yaml': 'customization: {}\n', ...files }
  for (const [name, given] of Object.entries(all)) {
    const path = join(folder.path, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, typeof given === 'string' ? given : given.text)
    await chmod(path, typeof given === 'string' ? 0o600 : given.mode)
  }
  const path = process.env['PATH'] ?? ''
  const found = await checkConfiguration(file, { PATH: path, ...environment }, uid)
  const short = (fault: Fault) => faultLine(fault).replaceAll(`${folder.path}/`, '')
  return { faults: found.faults.map(short), warnings: found.warnings.map(short) }
}

test('a configuration that is well has neither faults nor warnings', async () => {
  expect(await check()).toEqual({ faults: [], warnings: [] })
})

test('an authority of our own is no file', async () => {
  const add = 'machineConfig: { listen: [127.0.0.1], tls: { ca: own } }\n'
  expect(await check({ add })).toEqual({ faults: [], warnings: [] })
})

interface Case extends Setup {
  readonly name: string
  readonly found: RegExp
}

describe('what would fail in the night is a fault, with file, line, setting and what to do', () => {
  test.each<Case>([
    {
      name: 'a certificate of signed images that is none',
      add: 'factory: { signedBy: [sign.pem] }\n',
      files: { 'sign.pem': 'nonsense' },
      found: /caretaker\.yaml:5:\d+: factory\.signedBy\.0: sign\.pem holds no PEM certificate/,
    },
    {
      name: 'a proxy that is none',
      environment: { HTTPS_PROXY: 'socks5://me:secret@proxy.lan:1080' },
      found: /factory\.url: \$HTTPS_PROXY names no HTTP proxy/,
    },
    {
      name: 'a key that is none',
      add: nas('key: k, knownHosts: h'),
      files: { k: 'hunter2', h: hostKey },
      found: /^caretaker\.yaml:5:\d+: hosts\.0\.shutdown\.ssh\.key: k: it is not a private key: make one/,
    },
    {
      name: 'a key that is missing',
      add: nas('key: k, knownHosts: h'),
      files: { h: hostKey },
      found: /^caretaker\.yaml:5:\d+: hosts\.0\.shutdown\.ssh\.key: k does not exist$/,
    },
    {
      name: 'an empty known_hosts',
      add: nas('key: k, knownHosts: h'),
      files: { h: '\n', k: keyText },
      found: /hosts\.0\.shutdown\.ssh\.knownHosts: h: it is empty: run `ssh-keyscan/,
    },
    {
      name: 'a secret that is empty',
      add: 'upses: [{ host: 192.168.0.6, user: u, password: { file: p } }]\n',
      files: { p: '\n' },
      found: /^caretaker\.yaml:5:\d+: upses\.0\.password: the file p is empty$/,
    },
    {
      name: 'a secret of two lines',
      add: 'upses: [{ host: 192.168.0.6, user: u, password: { file: p } }]\n',
      files: { p: 'hunter2\nhunter3\n' },
      found: /upses\.0\.password: p has a line break/,
    },
    {
      name: 'a secret with a mark of Windows at its begin',
      add: 'upses: [{ host: 192.168.0.6, user: u, password: { file: p } }]\n',
      files: { p: '\uFEFFhunter2\n' },
      found: /upses\.0\.password: p has a line break or another control character/,
    },
    {
      name: 'a secret of the environment that is not set',
      add: 'upses: [{ host: 192.168.0.6, user: u, password: { env: NOWHERE } }]\n',
      found: /upses\.0\.password: the environment variable NOWHERE is not set/,
    },
    {
      name: 'a CA that is none',
      add: 'upses: [{ host: 192.168.0.6, tls: required, ca: c }]\n',
      files: { c: 'hunter2' },
      found: /upses\.0\.ca: c contains no PEM certificate$/,
    },
    {
      name: 'a CA that is damaged',
      add: 'upses: [{ host: 192.168.0.6, tls: required, ca: c }]\n',
      files: { c: '-----BEGIN CERTIFICATE-----\naHVudGVyMg==\n-----END CERTIFICATE-----\n' },
      found: /upses\.0\.ca: c contains a certificate that is damaged$/,
    },
    {
      name: 'the state in the share',
      state: 'share/state',
      found: /^caretaker\.yaml:4:8: state: share\/state is in the share/,
    },
    { name: 'the share in the state', state: '.', found: /^caretaker\.yaml:4:8: state: the share share is in it/ },
    {
      name: 'snapshots in the share',
      add: 'upgrade: { snapshots: { directory: share/etcd } }\n',
      found: /upgrade\.snapshots\.directory: share\/etcd is in the share/,
    },
    {
      name: 'a secret in the share',
      add: 'upses: [{ host: 192.168.0.6, user: u, password: { file: share/p } }]\n',
      files: { 'share/p': 'hunter2' },
      found: /upses\.0\.password: share\/p is in the share, which TFTP serves/,
    },
    {
      name: 'a state directory with too long a name',
      state: 'x'.repeat(110),
      found: /^caretaker\.yaml:4:8: state: .* is too long/,
    },
    {
      name: 'a SecureOn password that is none',
      add: 'hosts: [{ name: h, address: 192.168.0.7, mac: 00:1b:21:3a:4f:02, wake: { secureOn: { file: p } }, shutdown: { http: { url: http://h } } }]\n',
      files: { p: 'hunter2' },
      found: /hosts\.0\.wake\.secureOn: p holds no SecureOn password/,
    },
    {
      name: 'a program that is not installed',
      add: 'hosts: [{ name: h, address: 192.168.0.7, wake: { powerOn: { command: [no-such-program] } }, shutdown: { http: { url: http://h } } }]\n',
      found: /hosts\.0\.wake\.powerOn\.command: there is no program no-such-program here/,
    },
    {
      name: 'a calendar that is none',
      add: 'upgrade: { calendar: c.ics }\n',
      files: { 'c.ics': 'hello\n' },
      found: /upgrade\.calendar: c\.ics:1: a calendar must begin/,
    },
    {
      name: 'a schematic that is wrong',
      files: { 'schematics/homelab.yaml': 'customization: { bootloader: lilo }\n' },
      found: /^caretaker\.yaml:1:12: schematic: schematics\/homelab\.yaml:1:30: customization\.bootloader/,
    },
    {
      name: 'a talosconfig that is missing',
      add: 'cluster: { talosconfig: t }\n',
      found: /^caretaker\.yaml:5:25: cluster\.talosconfig: t does not exist$/,
    },
    {
      name: 'an address that is none',
      add: 'upses: [{ host: 192.168.0.300 }]\n',
      found: /^caretaker\.yaml:5:17: upses\.0\.host: 192\.168\.0\.300 is not an IPv4 address/,
    },
  ])('$name', async ({ found, ...setup }) => {
    const { faults } = await check(setup)
    expect(faults).toEqual([expect.stringMatching(found)])
    expect(faults.join('\n')).not.toMatch(/hunter|aHVudGVyMg/)
  })

  test('a key that others may read is refused as ssh does', async () => {
    const files = { h: hostKey, k: { text: keyText, mode: 0o644 } }
    const { faults, warnings } = await check({ add: nas('key: k, knownHosts: h'), files })
    expect(faults).toEqual([expect.stringMatching(/ssh refuses k because others can read it: run `chmod 600 k`$/)])
    expect(warnings).toEqual([])
  })

  test('a CA that has expired', async () => {
    const authority = await createAuthority('upsd')
    const past = { from: new Date('2020-01-01'), to: new Date('2021-01-01') }
    const { cert } = await authority.issueClient({ common: 'upsd', organizations: [], ...past })
    const { faults } = await check({
      add: 'upses: [{ host: 192.168.0.6, tls: required, ca: c }]\n',
      files: { c: cert },
    })
    expect(faults).toEqual([expect.stringMatching(/upses\.0\.ca: the certificate in c expired on 2021-01-01/)])
  })

  test('all of it at once, in the order of the file, also beside settings that do not fit the shape', async () => {
    const { faults } = await check({
      add:
        nas('key: k, knownHosts: h, colour: red') +
        'upses: [{ host: 192.168.0.300, user: u, password: { file: p }, tls: maybe, ca: c }]\n' +
        'power: { drainTimeout: 6h, deadTime: soon }\n' +
        'upgrade: { pin: v1.13.9, skip: [v1.13.9] }\n',
      files: { 'schematics/homelab.yaml': 'owner: [\n' },
    })
    expect(faults.map((line) => line.split(': ', 2).join(': '))).toEqual([
      expect.stringMatching(/^caretaker\.yaml:1:12: schematic$/),
      expect.stringMatching(/^caretaker\.yaml:5:\d+: hosts\.0\.shutdown\.ssh\.key$/),
      expect.stringMatching(/^caretaker\.yaml:5:\d+: hosts\.0\.shutdown\.ssh\.knownHosts$/),
      expect.stringMatching(/^caretaker\.yaml:5:\d+: hosts\.0\.shutdown/),
      expect.stringMatching(/^caretaker\.yaml:6:\d+: upses\.0\.host$/),
      expect.stringMatching(/^caretaker\.yaml:6:\d+: upses\.0\.password$/),
      expect.stringMatching(/^caretaker\.yaml:6:\d+: upses\.0\.tls$/),
      expect.stringMatching(/^caretaker\.yaml:6:\d+: upses\.0\.ca$/),
      expect.stringMatching(/^caretaker\.yaml:7:\d+: power\.drainTimeout$/),
      expect.stringMatching(/^caretaker\.yaml:7:\d+: power\.deadTime$/),
      expect.stringMatching(/^caretaker\.yaml:8:\d+: upgrade\.pin$/),
    ])
  })
})

describe('what is probably not meant so is a warning and no fault', () => {
  test.each<Case>([
    {
      name: 'a secret that others may read',
      add: 'upses: [{ host: 192.168.0.6, user: u, password: { file: p } }]\n',
      files: { p: { text: 'hunter2', mode: 0o644 } },
      found: /^caretaker\.yaml:5:\d+: upses\.0\.password: others may read p: run `chmod o= p`$/,
    },
    {
      name: 'a secret that ends with a space',
      add: 'upses: [{ host: 192.168.0.6, user: u, password: { file: p } }]\n',
      files: { p: 'hunter2 \n' },
      found: /upses\.0\.password: p begins or ends with a space/,
    },
    {
      name: 'an interface that is not here',
      add: 'power: { wake: { interface: nothere0 } }\n',
      found: /power\.wake\.interface: this machine has no interface nothere0, only lo/,
    },
    {
      name: 'a schematic of no node that is wrong',
      files: { 'schematics/other.yaml': 'owner: [\n' },
      found: /^caretaker\.yaml:1:12: schematic: schematics\/other\.yaml:2:1: /,
    },
  ])('$name', async ({ found, ...setup }) => {
    expect(await check(setup)).toEqual({ faults: [], warnings: [expect.stringMatching(found)] })
  })
})

test('a share is found behind a link', async () => {
  await using folder = await temporaryFolder()
  await mkdir(join(folder.path, 'pxe'))
  await symlink(join(folder.path, 'pxe'), join(folder.path, 'link'))
  const file = join(folder.path, 'caretaker.yaml')
  await mkdir(join(folder.path, 'schematics'))
  await writeFile(join(folder.path, 'schematics', 'homelab.yaml'), 'customization: {}\n')
  await writeFile(
    file,
    'schematic: homelab\nshare: { directory: link }\nstate: pxe/state\nqueue: { url: redis://127.0.0.1:9 }\n',
  )
  const { faults } = await checkConfiguration(file, {}, uid)
  expect(faults).toEqual([expect.objectContaining({ message: expect.stringContaining('is in the share') })])
})
