import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseWhole as parseConfig, wholeSchema as configSchema } from './whole.ts'
import { AgentError } from '../../src/core/errors.ts'

const smallest = `cluster: { talosconfig: talosconfig, kubeconfig: kubeconfig }
nodes:
  - { name: cp-1, role: controlplane, address: 10.0.0.2, mac: 00:1b:21:3a:4f:02 }
schematic: homelab
share: { directory: /srv/tftp }
`
const shipped = new URL('../../config/example/caretaker.yaml', import.meta.url)

/** Every fault, each in a line; none for what is valid. */
function faultsOf(text: string): string[] {
  try {
    parseConfig(text, 'c.yaml')
    return []
  } catch (error) {
    if (error instanceof AgentError && error.code === 'misconfigured') return error.message.split('\n')
    throw error
  }
}

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

test('every fault is told at once, with its place', () => {
  const text = `cluster: { talosconfig: '', kubeconfig: k, colour: red }
nodes:
  - name: CP_1
    role: master
    address: 10.0.0.2:x/y
    mac: 00:1b:21
  - name: w-1
    address: 10.0.0.3
  - { name: w-1, role: worker, address: 10.0.0.4 }
share:
  directory: /srv
  image: ../boot.efi
  keep: 0
upgrade:
  soak: 7
  pin: 1.13.9
  windows: [{ days: [caturday], from: '2:00', to: '24:00' }]
  timeZone: Mars/Olympus
upses: [{ host: nas, port: 99999 }]
power: { deadTime: soon, minimumCharge: 101 }
queue: { url: 'http://h' }
`
  const places = faultsOf(text).map((fault) => fault.split(/(?<=\S+ \S+): /)[0])
  expect(new Set(places)).toEqual(
    new Set([
      'c.yaml:1:1: schematic',
      'c.yaml:1:25: cluster.talosconfig',
      'c.yaml:1:44: cluster.colour',
      'c.yaml:3:11: nodes.0.name',
      'c.yaml:4:11: nodes.0.role',
      'c.yaml:5:14: nodes.0.address',
      'c.yaml:6:10: nodes.0.mac',
      'c.yaml:7:5: nodes.1.role',
      'c.yaml:9:13: nodes.2.name',
      'c.yaml:12:10: share.image',
      'c.yaml:13:9: share.keep',
      'c.yaml:15:9: upgrade.soak',
      'c.yaml:16:8: upgrade.pin',
      'c.yaml:17:22: upgrade.windows.0.days.0',
      'c.yaml:17:39: upgrade.windows.0.from',
      'c.yaml:17:51: upgrade.windows.0.to',
      'c.yaml:18:13: upgrade.timeZone',
      'c.yaml:19:28: upses.0.port',
      'c.yaml:20:20: power.deadTime',
      'c.yaml:20:41: power.minimumCharge',
      'c.yaml:21:15: queue.url',
    ]),
  )
})

describe('a fault', () => {
  test.each<{ name: string; text: string; fault: string }>([
    {
      name: 'a setting that is missing',
      text: smallest.replace('schematic: homelab\n', ''),
      fault: 'c.yaml:1:1: schematic: is missing',
    },
    {
      name: 'a choice that is missing',
      text: smallest.replace('role: controlplane, ', ''),
      fault: 'c.yaml:3:5: nodes.0.role: is missing: use controlplane or worker',
    },
    {
      name: 'a setting that nobody knows',
      text: `${smallest}shares: 1\n`,
      fault: 'c.yaml:6:1: shares: is not a setting; did you mean share?',
    },
    {
      name: 'a duration without a unit',
      text: `${smallest}upgrade: { soak: '7' }\n`,
      fault: 'c.yaml:6:18: upgrade.soak: use a duration such as 30s, 10m, 2h or 7d; did you mean 7d?',
    },
    {
      name: 'a key that comes twice',
      text: `${smallest}schematic: other\n`,
      fault: 'c.yaml:6:1: schematic: is already set in line 4: keep one of them',
    },
    { name: 'an empty file', text: '', fault: 'c.yaml:1:1: the file holds no settings' },
    {
      name: 'a URL that is none',
      text: `${smallest}queue: { url: not a url }\n`,
      fault: 'c.yaml:6:15: queue.url: use a URL such as redis://192.168.0.6:6379',
    },
    {
      name: 'a bracket that does not close',
      text: 'cluster: [\n',
      fault:
        'c.yaml:2:1: a bracket is opened before this and not closed, or this line is not indented further than its setting',
    },
    {
      name: 'an alias',
      text: `${smallest}state: &here /srv\nupses: [{ host: *here }]\n`,
      fault: 'c.yaml:7:17: aliases (*name) are not supported here: write the value out',
    },
    {
      name: 'a tag',
      text: `${smallest}state: !path /srv\n`,
      fault: 'c.yaml:6:8: tags (!name) are not supported here: quote the value',
    },
    {
      name: 'a cluster of workers',
      text: smallest.replace('controlplane', 'worker'),
      fault: 'c.yaml:2:1: nodes: name at least one control plane',
    },
    {
      name: 'a user without a password',
      text: `${smallest}upses: [{ host: nas, user: u }]\n`,
      fault: 'c.yaml:6:28: upses.0.user: needs a password, too',
    },
    {
      name: 'a password without a user',
      text: `${smallest}upses: [{ host: nas, password: { env: P } }]\n`,
      fault: 'c.yaml:6:22: upses.0.password: needs a user, too',
    },
  ])('$name: %#', ({ text, fault }) => {
    expect(faultsOf(text)).toEqual([fault])
  })

  test.each([
    ['name', 'name: cp-1, role: worker, address: 10.0.0.3'],
    ['address', 'name: w-1, role: worker, address: 10.0.0.2'],
    ['mac', 'name: w-1, role: worker, address: 10.0.0.3, mac: 00:1B:21:3A:4F:02'],
    ['mac', 'name: w-1, role: worker, address: 10.0.0.3, mac: [00:1b:21:3a:4f:03, 00-1B-21-3a-4f-02]'],
    ['mac', 'name: w-1, role: worker, address: 10.0.0.3, mac: 00-1b-21-3a-4f-02'],
  ])('a %s that another node has', (key, node) => {
    const faults = faultsOf(smallest.replace('schematic:', `  - { ${node} }\nschematic:`))
    expect(faults).toEqual([
      expect.stringMatching(new RegExp(`^c.yaml:4:\\d+: nodes.1.${key}: another node has this ${key}$`)),
    ])
  })
})

describe('a secret in the wrong place is never repeated', () => {
  test.each([
    'hunter2',
    '"hunter2"',
    '!hunter2',
    '!!hunter2 x',
    '!<hunter2> x',
    '!hunter2! x',
    '&hunter2 x',
    '*hunter2',
    '@hunter2',
    '`hunter2',
    '%hunter2',
    '{hunter2',
    '[hunter2',
    '"hunter2',
    '|hunter2',
    '>hunter2',
    'hunter2: x',
    '- hunter2',
    '? hunter2',
    "'hunter2'hunter2",
    '"\\xhunter2"',
    '"\\uhunter2"',
    '{ password: hunter2 }',
    '{ file: hunter2',
    'hunter2\n      hunter2: hunter2',
  ])('%s', (password) => {
    const faults = faultsOf(`${smallest}upses:\n  - host: nas\n    user: u\n    password: ${password}\n`)
    expect(faults.length).toBeGreaterThan(0)
    expect(faults.join('\n')).not.toMatch(/hunt/)
    expect(faults[0]).toMatch(/^c\.yaml:(8|9|10|11):\d+: /)
  })

  test('nor is a password in the address of the queue', () => {
    expect(faultsOf(`${smallest}queue: { url: 'redis://:hunter2@nas' }\n`)).toEqual([
      'c.yaml:6:15: queue.url: keep the password out of the URL: use queue.password',
    ])
  })
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

const twoUpses = `${smallest}upses: [{ host: nas, label: rack }, { host: nas, name: other, label: shelf }]\n`
const withFeed = (feed: string) => twoUpses.replace('role: controlplane', `role: controlplane, feed: ${feed}`)

describe('what a machine hangs on', () => {
  test.each<[string, object]>([
    ['{ any: [rack, shelf] }', { powerValue: { rack: 1, shelf: 1 }, minSupplies: 1 }],
    ['{ all: [rack, shelf] }', { powerValue: { rack: 1, shelf: 1 }, minSupplies: 2 }],
    ['{ all: [rack, rack] }', { powerValue: { rack: 1 }, minSupplies: 1 }],
    ['{ powerValue: { rack: 2, shelf: 1 }, minSupplies: 2 }', { powerValue: { rack: 2, shelf: 1 }, minSupplies: 2 }],
  ])('%s is %j', (feed, expected) => {
    expect(parseConfig(withFeed(feed), 'c.yaml').nodes[0]?.feed).toEqual(expected)
  })

  test('is the one UPS where there is one, and nothing where there is none', () => {
    const one = parseConfig(`${smallest}upses: [{ host: nas, name: My_UPS }]\n`, 'c.yaml')
    expect(one.nodes[0]?.feed).toEqual({ powerValue: { 'my-ups': 1 }, minSupplies: 1 })
    expect(parseConfig(smallest, 'c.yaml').nodes[0]?.feed).toBeUndefined()
  })

  test('is that of all, unless a machine has its own', () => {
    const both = parseConfig(`${twoUpses}power: { feed: { any: [rack, shelf] } }\n`, 'c.yaml')
    expect(both.nodes[0]?.feed).toEqual({ powerValue: { rack: 1, shelf: 1 }, minSupplies: 1 })
  })

  test.each<[string, string]>([
    [twoUpses, 'nodes.0.feed: there are several UPSes: set feed here, or power.feed for all machines'],
    [withFeed('{ any: [attic] }'), 'nodes.0.feed: there is no UPS attic; there are rack and shelf'],
    [
      withFeed('{ all: [attic, rack, cellar, shelves] }'),
      'nodes.0.feed: there are no UPSes attic, cellar and shelves; there are rack and shelf',
    ],
    [
      withFeed('{ powerValue: { attic: 1, cellar: 1 }, minSupplies: 1 }'),
      'nodes.0.feed: there are no UPSes attic and cellar; there are rack and shelf',
    ],
    [
      `${smallest}upses: [{ host: nas, label: rack }]\npower: { feed: { any: [desk] } }\n`,
      'power.feed: there is no UPS desk; there is rack',
    ],
    [`${smallest}power: { feed: { any: [desk] } }\n`, 'power.feed: there is no UPS desk; there are none'],
    [
      withFeed('{ powerValue: { rack: 1 }, minSupplies: 2 }'),
      'nodes.0.feed.minSupplies: the power values add up to only 1',
    ],
    [
      withFeed('rack'),
      'nodes.0.feed: use {any: [UPS, …]}, {all: [UPS, …]} or {powerValue: {UPS: N, …}, minSupplies: N}',
    ],
    [
      `${smallest}upses: [{ host: a }, { host: b }]\npower: { feed: { any: [ups] } }\n`,
      'upses.1.label: another UPS is called ups: give this one another label',
    ],
    [
      `${smallest}upses: [{ host: nas, cutPower: { verified: true } }]\n`,
      'upses.0.cutPower: needs a user and a password',
    ],
    [
      `${smallest}power: { ignoreLowBattery: true, maxOnBattery: never }\n`,
      'power.maxOnBattery: needs a duration with ignoreLowBattery: nothing else is sure to start a shutdown',
    ],
    [
      `${smallest}hosts: [{ name: nas, address: 10.0.0.6, shutdown: { ssh: { user: -oProxyCommand, key: k, knownHosts: h } } }]\n`,
      'hosts.0.shutdown.ssh.user: use a user name',
    ],
    [
      `${smallest}hosts: [{ name: cp-1, address: 10.0.0.6, shutdown: { http: { url: 'http://a/b' } } }]\n`,
      'hosts.0.name: another machine has this name',
    ],
  ])('that is wrong is named: %s', (text, fault) => {
    expect(faultsOf(text).map((line) => line.replace(/^c\.yaml:\d+:\d+: /, ''))).toContain(fault)
  })
})
