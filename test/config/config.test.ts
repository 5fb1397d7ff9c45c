import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseWhole as parseConfig, wholeSchema as configSchema } from './whole.ts'
import { smallest, faultsOf } from './faults-of.ts'

const shipped = new URL('../../config/example/caretaker.yaml', import.meta.url)

test('the configuration that is shipped is valid', () => {
  const config = parseConfig(readFileSync(shipped, 'utf8'), 'caretaker.yaml')
  expect(config.nodes.map(({ name }) => name)).toEqual(['cp-1', 'worker-1'])
  expect(config.upgrade).toMatchObject({ soak: 604_800_000, timeZone: 'Europe/Warsaw', order: 'workers-first' })
  expect(config.power).toMatchObject({ maxOnBattery: 900_000, deadTime: 30_000 })
})

test('what the shipped configuration comments out is what is meant without it', () => {
  const text = readFileSync(shipped, 'utf8')
  const commented = [...text.matchAll(/^( +)# (\w+): +([^#{\n]+?) *(#.*)?$/gm)]
    .map(([, indent, key, value]) => `${indent}${key}: ${value}`)
    .filter(
      (line) =>
        !/ (pin|skip|blackouts|calendar|canary|checks|draining|last|minimumCharge|minimumRuntime|trust|unknownChargeAfter|reportAfter|user|wake|url|storage|feed|label|ca|server|cutPower|shed|interface|nas|address|mac|stableAfter|retryInterval|giveUpAfter|broadcast|bandwidth):/.test(
          line,
        ),
    )
  expect(commented.length).toBeGreaterThan(15)
  const active = commented.reduce((whole, line) => {
    const pattern = new RegExp(`^( +)# ${line.trim().replaceAll(/[.*+?^$()[\]\\]/g, '\\$&')}`, 'm')
    return whole.replace(pattern, `$1${line.trim()}`)
  }, text)
  expect(active).not.toBe(text)
  expect(parseConfig(active, 'caretaker.yaml')).toEqual(parseConfig(text, 'caretaker.yaml'))
})

test('everything that it shows of upgrades can be used as it stands', () => {
  const text = readFileSync(shipped, 'utf8')
  const [before = '', rest = ''] = text.split(/(?<=^upgrade:\n)/m)
  const [upgrade = '', after = ''] = rest.split(/(?=^# The UPSes that)/m)
  const active = `${before}${upgrade.replaceAll(/^ {2}# /gm, '  ')}${after}`
  const { upgrade: policy } = parseConfig(active, 'caretaker.yaml')
  expect(policy.checks.map(({ name }) => name)).toEqual(['web', 'alerts', 'postgres'])
  expect(policy).toMatchObject({
    blackouts: [{ reason: 'holidays' }],
    canary: { node: 'worker-1', watch: 3_600_000 },
    draining: { last: [{ selector: 'app in (postgres, mariadb)', timeout: 300_000 }] },
  })
})

test.each([
  ['parallel: 0', 'upgrade.parallel: use a whole number, 1 at least'],
  ['parallel: 0%', 'upgrade.parallel: use a number of nodes, or a share of them such as 25%'],
  ['parallel: 101%', 'upgrade.parallel: use a number of nodes, or a share of them such as 25%'],
  ['canary: { node: w-9 }', 'upgrade.canary.node: there is no node w-9; there is cp-1'],
  ['approval: maybe', 'upgrade.approval: use none, minor or always'],
  ['checks: [{ name: web }]', 'upgrade.checks.0: needs exactly one of http, prometheus and object'],
  [
    "checks: [{ name: web, http: { url: 'ftp://nas' } }]",
    'upgrade.checks.0.http.url: use a URL such as https://nas.lan:8420/path',
  ],
  ['blackouts: [{ from: 2026-12-27, to: 2026-12-24 }]', 'upgrade.blackouts.0.to: ends before it starts'],
  [
    'blackouts: [{ from: christmas, to: 2026-12-24 }]',
    'upgrade.blackouts.0.from: use a date such as 2026-12-24, or 2026-12-24T18:00:00+01:00',
  ],
  ['draining: { whenBlocked: force }', 'upgrade.draining.whenBlocked: use wait, skip or delete'],
])('upgrade: { %s } is refused', (text, fault) => {
  expect(faultsOf(`${smallest}upgrade: { ${text} }\n`).map((line) => line.replace(/^\S+ /, ''))).toEqual([fault])
})

test.each<[string, string[]]>([
  ['{ name: OSD_NEARFULL }', ['storage.accept.0.until: is missing']],
  ['{ until: 2026-12-31 }', ['storage.accept.0.name: is missing']],
  [
    "{ name: '', until: 2026-12-31 }",
    [
      'storage.accept.0.name: use a Ceph health code such as OSD_NEARFULL, a Longhorn volume, or its claim as namespace/name',
    ],
  ],
  ...["'*'", 'osd_nearfull', 'a/b/c', 'OSD NEARFULL'].map((name): [string, string[]] => [
    `{ name: ${name}, until: 2026-12-31 }`,
    [
      'storage.accept.0.name: use a Ceph health code such as OSD_NEARFULL, a Longhorn volume, or its claim as namespace/name',
    ],
  ]),
  [
    '{ name: HEALTH_WARN, until: 2026-12-31 }',
    [
      'storage.accept.0.name: this is the health of the whole cluster, not a warning: use a Ceph health code such as OSD_NEARFULL, a Longhorn volume, or its claim as namespace/name',
    ],
  ],
  ...['2026-02-30', '31.12.2026', '30d', '2026-12-31T18:00:00', '2026', '5'].map((until): [string, string[]] => [
    `{ name: pvc-1, until: ${until} }`,
    [
      `storage.accept.0.until: use the last day, such as 2026-12-31, or a time such as 2026-12-31T18:00:00+01:00${until === '31.12.2026' ? '; did you mean 2026-12-31?' : ''}`,
    ],
  ]),
  ['{ name: pvc-1, until: 2026-12-31, for: ever }', ['storage.accept.0.for: is not a setting']],
  [
    '{ name: pvc-1, until: 2026-12-31 }, { name: pvc-1, until: 2027-12-31 }',
    ['storage.accept.1.name: pvc-1 is accepted twice'],
  ],
])('storage: { accept: [%s] } is refused', (text, faults) => {
  const found = faultsOf(`${smallest}storage: { accept: [${text}] }\n`)
  expect(found.map((line) => line.replace(/^\S+ /, ''))).toEqual(faults)
  for (const line of found) expect(line).toMatch(/^c\.yaml:6:\d+: /)
})

test('a warning is accepted to the end of its last day, or until an instant', () => {
  const accept =
    "[{ name: media/films, until: 2026-12-31, reason: r }, { name: b, until: '2026-12-31T18:00:00+01:00' }]"
  expect(parseConfig(`${smallest}storage: { accept: ${accept} }\n`, 'c.yaml').storage.accept).toEqual([
    { name: 'media/films', until: Date.parse('2027-01-01T00:00:00Z'), reason: 'r' },
    { name: 'b', until: Date.parse('2026-12-31T17:00:00Z') },
  ])
  const text = readFileSync(shipped, 'utf8')
  const [before = '', rest = ''] = text.split(/(?=^# storage:\n)/m)
  const [section = '', after = ''] = rest.split(/\n(?=\n)/)
  const shown = parseConfig(`${before}${section.replaceAll(/^# /gm, '')}${after}`, 'caretaker.yaml')
  expect(shown.storage.accept.map(({ name }) => name)).toEqual(['OSD_NEARFULL', 'media/films'])
})

test('the smallest configuration has every default', () => {
  expect(parseConfig(smallest, 'c.yaml')).toMatchObject({
    cluster: { name: 'homelab' },
    factory: { url: 'https://factory.talos.dev' },
    share: { image: 'metal-amd64-uki.efi', architecture: 'amd64', keep: 2 },
    upgrade: {
      enabled: true,
      channel: 'stable',
      skip: [],
      soak: 604_800_000,
      windows: [],
      timeZone: 'UTC',
      attempts: 2,
    },
    upses: [],
    power: {
      onBatteryAfter: 5_000,
      lowBatteryAfter: 3_000,
      minimumRuntime: 225_000,
      wake: { stableAfter: 60_000, minimumCharge: 25, port: 9 },
    },
    storage: { accept: [] },
    queue: {},
    state: '/var/lib/caretaker',
  })
})

test.each([
  ['', 225_000],
  ['storageFlags: false', 215_000],
  ['shed: [{ selector: a=b }]', 235_000],
  ['drainTimeout: 10s', 145_000],
  ['shutdownTimeout: 30s', 195_000],
  ['reserve: 0s', 165_000],
  ['drainTimeout: 0s, shutdownTimeout: 1s, reserve: 2s', 18_000],
  ['minimumRuntime: 4m', 240_000],
  ['minimumRuntime: 0s', 0],
  ['minimumRuntime: 10m, drainTimeout: 10s', 600_000],
])('with power: { %s } the shutdown begins below %d ms: what it takes, unless another limit is set', (text, limit) => {
  expect(parseConfig(`${smallest}power: { ${text} }\n`, 'c.yaml').power.minimumRuntime).toBe(limit)
})

describe('an address', () => {
  const refused = 'use a host name or an IP address, without a port'
  const faultsWith = (host: string) =>
    faultsOf(`${smallest.replace('10.0.0.2', `'${host}'`)}upses: [{ host: '${host}' }]\n`)

  test.each(['10.0.0.2', 'nas', 'nas.home', 'fd00::2', 'fd00::3493', '2001:db8:0:0:0:0:0:1'])('%s is one', (host) => {
    expect(faultsWith(host)).toEqual([])
  })

  test.each(['10.0.0.2:50000', 'nas:3493', 'nas.home:1', '[fd00::2]:50000', '[fd00::2]', '10.0.0.2:', 'https://nas'])(
    '%s is none, for a node or a UPS',
    (host) => {
      const faults = faultsWith(host)
      expect(faults.length).toBeGreaterThan(1)
      expect(
        new Set(faults.map((fault) => fault.replace(/^c\.yaml:\d+:\d+: /, '').replace(/; did you mean .*$/, ''))),
      ).toEqual(new Set([`nodes.0.address: ${refused}`, `upses.0.host: ${refused}`]))
    },
  )
})

describe('the address of the Factory', () => {
  test.each(['https://factory.talos.dev', 'http://10.0.0.5:8080', 'https://mirror.example/factory/'])(
    'may be %s',
    (url) => {
      expect(parseConfig(`${smallest}factory: { url: '${url}' }\n`, 'c.yaml').factory.url).toBe(url)
    },
  )

  test.each([
    ['https://mirror.example/?arch=amd64', 'leave out ? and everything after it: Caretaker appends paths to this URL'],
    ['https://mirror.example/factory#top', 'leave out ? and everything after it: Caretaker appends paths to this URL'],
    ['https://me:hunter2@mirror.example', 'keep the user name and password out of the URL: it is shown and logged'],
    ['https://token@mirror.example/factory', 'keep the user name and password out of the URL: it is shown and logged'],
  ])('is not %s', (url, fault) => {
    expect(faultsOf(`${smallest}factory: { url: '${url}' }\n`)).toEqual([`c.yaml:6:17: factory.url: ${fault}`])
  })
})

test('a secret is named by file or by environment', () => {
  const { upses, queue } = parseConfig(
    `${smallest}upses: [{ host: nas, user: u, password: { file: ups-password } }]\nqueue: { password: { env: REDIS } }\n`,
    'c.yaml',
  )
  expect(upses[0]?.password).toEqual({ file: 'ups-password' })
  expect(queue).toEqual({ password: { env: 'REDIS' } })
})

test('the schema for editors knows every section', () => {
  expect(configSchema()).toMatchObject({
    type: 'object',
    additionalProperties: false,
    properties: {
      cluster: {},
      nodes: {},
      schematic: {},
      factory: {},
      share: {},
      upgrade: {},
      upses: {},
      power: {},
      queue: {},
    },
  })
})

test('a section whose settings are all commented out has its defaults', () => {
  const text = readFileSync(shipped, 'utf8').replace(
    /^power:[\s\S]*?(?=^# Your own Redis)/m,
    'power:\n  # drainTimeout: 90s\n\n',
  )
  expect(parseConfig(text, 'c.yaml').power.drainTimeout).toBe(90_000)
})
