import { describe, expect, test } from 'vitest'
import { smallest, faultsOf } from './faults-of.ts'

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
