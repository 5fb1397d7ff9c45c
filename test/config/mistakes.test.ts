import { describe, expect, test } from 'vitest'
import { inspectConfig } from '../../src/config/config.ts'
import { findMistakes } from '../../src/config/mistakes.ts'
import { faultLine } from '../../src/core/fault.ts'
import { parseWhole } from './whole.ts'

const smallest = `nodes:
  - { name: cp-1, role: controlplane, address: 192.168.0.2, mac: 00:1b:21:3a:4f:02 }
  - { name: w-1, role: worker, address: 192.168.0.3, mac: 00:1b:21:3a:4f:03 }
schematic: homelab
share: { directory: /srv/tftp }
upses: [{ host: 192.168.0.6 }]
`
const now = new Date('2026-11-26T12:00:00Z')

/** Each as `error nodes.0.mac: …`. */
const mistakesIn = (text: string): string[] =>
  findMistakes(parseWhole(text, 'c.yaml'), now).map(
    ({ severity, path, text: said }) => `${severity} ${path.join('.')}: ${said}`,
  )

interface Case {
  readonly name: string
  /** Takes the place of a part of the smallest configuration, or is added to it. */
  readonly edit?: readonly [part: string, by: string]
  readonly add?: string
  readonly found: RegExp
}

const textOf = ({ edit, add = '' }: Case) => `${edit ? smallest.replace(...edit) : smallest}${add}`

test('the shipped defaults have no mistake', () => {
  expect(mistakesIn(smallest)).toEqual([])
})

describe('what surely does not work is an error', () => {
  test.each<Case>([
    {
      name: 'an address with 300 in it',
      edit: ['192.168.0.3,', '192.168.0.300,'],
      found: /^error nodes\.1\.address: 192\.168\.0\.300 is not an IPv4 address/,
    },
    {
      name: 'an address with three numbers',
      edit: ['192.168.0.3,', '192.168.3,'],
      found: /^error nodes\.1\.address: /,
    },
    {
      name: 'an address with zeros before a number',
      edit: ['192.168.0.3,', '192.168.000.003,'],
      found: /^error nodes\.1\.address: /,
    },
    {
      name: 'the address of upsd with 256 in it',
      edit: ['192.168.0.6', '192.256.0.6'],
      found: /^error upses\.0\.host: /,
    },
    {
      name: 'an address that is everywhere',
      edit: ['192.168.0.3,', '0.0.0.0,'],
      found: /^error nodes\.1\.address: .*of no machine/,
    },
    {
      name: 'a broadcast address',
      edit: ['192.168.0.3,', '255.255.255.255,'],
      found: /^error nodes\.1\.address: .*broadcast/,
    },
    {
      name: 'a MAC of zeros',
      edit: ['00:1b:21:3a:4f:03', '00:00:00:00:00:00'],
      found: /^error nodes\.1\.mac: 00:00:00:00:00:00 is the address of no/,
    },
    {
      name: 'a MAC of zeros with dashes',
      edit: ['00:1b:21:3a:4f:03', '00-00-00-00-00-00'],
      found: /^error nodes\.1\.mac: /,
    },
    {
      name: 'a broadcast MAC',
      edit: ['00:1b:21:3a:4f:03', 'ff:ff:ff:ff:ff:ff'],
      found: /^error nodes\.1\.mac: .*multicast/,
    },
    {
      name: 'a multicast MAC',
      edit: ['00:1b:21:3a:4f:03', '01:00:5e:00:00:01'],
      found: /^error nodes\.1\.mac: .*multicast/,
    },
    {
      name: 'a window of no length',
      add: "upgrade: { windows: [{ from: '02:00', to: '02:00' }] }\n",
      found: /^error upgrade\.windows\.0: it begins and ends at 02:00/,
    },
    {
      name: 'a node that fits no window',
      add: "upgrade: { nodeEstimate: 3h, windows: [{ from: '02:00', to: '04:00' }] }\n",
      found: /^error upgrade\.nodeEstimate: no window is as long as 3 h/,
    },
    {
      name: 'a node that fits no window over midnight',
      add: "upgrade: { nodeEstimate: 3h, windows: [{ from: '23:00', to: '01:00' }] }\n",
      found: /^error upgrade\.nodeEstimate: .*the longest has 2 h/,
    },
    {
      name: 'a pin that is skipped',
      add: 'upgrade: { pin: v1.13.9, skip: [v1.13.8, v1.13.9] }\n',
      found: /^error upgrade\.pin: v1\.13\.9 is in upgrade\.skip/,
    },
    {
      name: 'a pin that the channel never offers',
      add: 'upgrade: { pin: v1.14.0-rc.1 }\n',
      found: /^error upgrade\.pin: .*channel: prerelease/,
    },
    {
      name: 'a drain longer than any battery',
      add: 'power: { drainTimeout: 2h }\n',
      found: /^error power\.drainTimeout: no battery lasts/,
    },
    {
      name: 'a charge below which every moment on battery is',
      add: 'power: { minimumCharge: 100, wake: { minimumCharge: 25 } }\n',
      found: /^error power\.minimumCharge: /,
    },
    {
      name: 'the same of one UPS',
      edit: ['{ host: 192.168.0.6 }', '{ host: 192.168.0.6, minimumCharge: 100 }'],
      found: /^error upses\.0\.minimumCharge: /,
    },
    {
      name: 'one UPS under two labels',
      edit: [
        '[{ host: 192.168.0.6 }]',
        '[{ host: 192.168.0.6, label: a }, { host: 192.168.0.6, label: b }]\npower: { feed: { any: [a, b] } }',
      ],
      found: /^error upses\.1\.name: ups@192\.168\.0\.6:3493 is the same UPS as upses\.0/,
    },
    {
      name: 'a queue where upsd is',
      add: "queue: { url: 'redis://192.168.0.6:3493' }\n",
      found: /^error queue\.url: .*upsd/,
    },
  ])('$name', (one) => {
    const found = mistakesIn(textOf(one))
    expect(found).toEqual([expect.stringMatching(one.found)])
  })
})

describe('what is probably not meant so is a warning', () => {
  test.each<Case>([
    {
      name: 'a password for a Factory without TLS',
      add: "factory: { url: 'http://factory.lan', auth: { username: me, password: { file: p } } }\n",
      found: /^warning factory\.auth: is sent in the clear/,
    },
    {
      name: 'a CA for a fallback without TLS',
      add: "factory: { fallbacks: [{ url: 'http://factory.lan', ca: ca.pem }] }\n",
      found: /^warning factory\.fallbacks\.0\.ca: counts for nothing/,
    },
    {
      name: 'a fallback that is the Factory itself',
      add: "factory: { fallbacks: [{ url: 'https://factory.talos.dev/' }] }\n",
      found: /^warning factory\.fallbacks\.0\.url: is asked already/,
    },
    {
      name: 'a broadcast of another network',
      add: 'power: { wake: { broadcast: 10.0.0.255 } }\n',
      found: /^warning power\.wake\.broadcast: 10\.0\.0\.255 is the broadcast address of no network/,
    },
    {
      name: 'an address of the network as its broadcast',
      add: 'power: { wake: { broadcast: 192.168.0.1 } }\n',
      found: /^warning power\.wake\.broadcast: /,
    },
    {
      name: 'waking at a charge that is never reached',
      add: 'power: { wake: { minimumCharge: 100 } }\n',
      found: /^warning power\.wake\.minimumCharge: .*95 or less/,
    },
    {
      name: 'upgrading at a charge that is never reached',
      add: 'upgrade: { minimumCharge: 100 }\n',
      found: /^warning upgrade\.minimumCharge: /,
    },
    {
      name: 'waking below the charge of a shutdown',
      add: 'power: { minimumCharge: 40, wake: { minimumCharge: 30 } }\n',
      found: /^warning power\.wake\.minimumCharge: .*next blip/,
    },
    {
      name: 'a shutdown that takes half an hour',
      add: 'power: { drainTimeout: 30m }\n',
      found: /^warning power\.drainTimeout: /,
    },
    {
      name: 'workloads that are shed too late',
      add: "power: { shed: [{ selector: 'a=b' }], shedAfter: 15m }\n",
      found: /^warning power\.shedAfter: /,
    },
    {
      name: 'a UPS that supplies nothing',
      edit: [
        '[{ host: 192.168.0.6 }]',
        '[{ host: 192.168.0.6, label: a }, { host: 192.168.0.7, label: b }]\npower: { feed: { any: [a] } }',
      ],
      found: /^warning upses\.1: no machine has b in its feed/,
    },
    { name: 'a soak longer than a release lives', add: 'upgrade: { soak: 200d }\n', found: /^warning upgrade\.soak: / },
    {
      name: 'a blackout that is over',
      add: 'upgrade: { blackouts: [{ from: 2025-12-24, to: 2025-12-27, reason: holidays }] }\n',
      found: /^warning upgrade\.blackouts\.0: holidays is over/,
    },
    {
      name: 'two control planes',
      edit: ['role: worker', 'role: controlplane'],
      found: /^warning upgrade\.twoMembers: /,
    },
  ])('$name', (one) => {
    expect(mistakesIn(textOf(one))).toEqual([expect.stringMatching(one.found)])
  })
})

test.each<Omit<Case, 'found'>>([
  {
    name: 'the broadcast of the machines’ own network',
    add: 'power: { wake: { broadcast: [192.168.0.255, 192.168.1.255] } }\n',
  },
  { name: 'the broadcast of a larger network', add: 'power: { wake: { broadcast: 192.168.255.255 } }\n' },
  { name: 'the broadcast of a small network', add: 'power: { wake: { broadcast: 192.168.0.7 } }\n' },
  {
    name: 'windows that touch',
    add: "upgrade: { nodeEstimate: 3h, windows: [{ from: '22:00', to: '00:00' }, { from: '00:00', to: '02:00' }] }\n",
  },
  { name: 'a host name', edit: ['192.168.0.3,', 'w-1.home.arpa,'] },
  { name: 'an IPv6 address', edit: ['192.168.0.3,', "'fd00::3',"] },
  { name: 'a MAC that a hypervisor made up', edit: ['00:1b:21:3a:4f:03', '02:00:00:00:00:01'] },
])('$name is no mistake', (one) => {
  expect(mistakesIn(`${one.edit ? smallest.replace(...one.edit) : smallest}${one.add ?? ''}`)).toEqual([])
})

describe('a configuration with faults', () => {
  test('is looked at without them, and its entries keep the places at which they stand', () => {
    const text = smallest
      .replace('role: controlplane', 'role: boss')
      .replace('name: w-1, role: worker,', 'role: worker, colour: red,')
      .replace(
        'schematic: homelab\n',
        '  - { name: w-2, role: worker, address: 192.168.0.4, mac: 00:1b:21:3a:4f:04, wake: { port: 99999 } }\nupgrade: { soak: soon }\n',
      )
    const { faults, usable, assumed, pathOf, placeOf } = inspectConfig(text, 'c.yaml')
    expect(faults.map((fault) => faultLine({ ...fault, message: '' }))).toEqual([
      'c.yaml:1:1: schematic',
      'c.yaml:2:25: nodes.0.role',
      'c.yaml:3:5: nodes.1.name',
      'c.yaml:3:21: nodes.1.colour',
      'c.yaml:4:92: nodes.2.wake.port',
      'c.yaml:5:18: upgrade.soak',
    ])
    expect(usable?.nodes.map(({ name }) => name)).toEqual(['cp-1', 'w-2'])
    expect(assumed).toEqual(['schematic'])
    expect(pathOf(['nodes', 1, 'address'])).toEqual(['nodes', 2, 'address'])
    expect(placeOf(['nodes', 2, 'address'])).toEqual({ line: 4, column: 41 })
  })

  test.each(['', '[', '- a\n', 'nodes: 5\nhosts: x\n', 'hello'])('has nothing to look at, or something: %j', (text) => {
    expect(inspectConfig(text, 'c.yaml').faults.length).toBeGreaterThan(0)
  })
})
