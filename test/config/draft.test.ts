import { describe, expect, test } from 'vitest'
import { mergeDraft } from '../../src/config/draft-merge.ts'
import { writeDraft } from '../../src/config/draft-text.ts'
import { parseConfig } from '../../src/config/config.ts'
import type { Choices } from '../../src/core/setup/choices.ts'
import type { Draft } from '../../src/core/setup/draft.ts'
import { composeDraft } from '../../src/core/setup/compose.ts'
import { labelUpses } from '../../src/core/setup/upses.ts'
import { flowText, parseYaml } from '../../src/yaml.ts'
import { machine, node, schematicId, ups } from '../core/setup/seen.ts'

const worker = node({ name: 'w-1', role: 'worker', address: '192.168.0.3', macs: ['00:1b:21:3a:4f:03'] })

function choices(more: Partial<Choices> = {}): Choices {
  return {
    clusterName: 'lab',
    cluster: {
      talosconfig: 'talosconfig',
      context: undefined,
      kubeconfig: undefined,
      seen: { nodes: [node(), worker], storage: [], remarks: [] },
    },
    factory: undefined,
    schematics: [{ name: 'homelab', id: schematicId, nodes: ['cp-1', 'w-1'], text: undefined }],
    share: { directory: '/volume1/pxe', server: '192.168.0.6', prefix: '' },
    upses: labelUpses([ups()]),
    upsUser: { user: 'monuser', password: { file: 'ups-password' } },
    feeds: {},
    upgrades: 'weekends',
    timeZone: 'Europe/Warsaw',
    state: '/var/lib/caretaker',
    ...more,
  }
}
const written = (more: Partial<Choices> = {}) => writeDraft(composeDraft(choices(more)))
const read = (text: string) => parseConfig(text, 'caretaker.yaml')

describe('a configuration that is written', () => {
  test('is taken, and says what was seen', () => {
    const config = read(written())
    expect(config.nodes.map(({ name, role, address, mac }) => ({ name, role, address, mac }))).toEqual([
      { name: 'cp-1', role: 'controlplane', address: '192.168.0.2', mac: '00:1b:21:3a:4f:02' },
      { name: 'w-1', role: 'worker', address: '192.168.0.3', mac: '00:1b:21:3a:4f:03' },
    ])
    expect(config).toMatchObject({
      schematic: 'homelab',
      share: { directory: '/volume1/pxe', server: '192.168.0.6', architecture: 'amd64' },
      upses: [{ name: 'ups', host: '192.168.0.6', user: 'monuser', password: { file: 'ups-password' } }],
      upgrade: { timeZone: 'Europe/Warsaw', windows: [{ days: ['sat', 'sun'] }] },
    })
  })

  const lab = choices().cluster!
  test.each([
    { name: 'before its cluster', more: { cluster: undefined, schematics: [], upses: [] } },
    { name: 'with every answer that people give about upgrades', more: { upgrades: 'never' as const } },
    { name: 'with upgrades at any time', more: { upgrades: 'always' as const } },
    {
      name: 'with two UPSes and nothing known of who hangs on which',
      more: { upses: labelUpses([ups(), ups({ name: 'b' })]) },
    },
    {
      name: 'with two UPSes and what each machine hangs on',
      more: { upses: labelUpses([ups(), ups({ name: 'b' })]), feeds: { 'cp-1': ['ups'], 'w-1': ['ups', 'b'] } },
    },
    {
      name: 'with a server of UPSes that refuses the login',
      more: { upses: labelUpses([ups({ loginRefused: 'no' })]) },
    },
    { name: 'without a TFTP server', more: { share: { directory: 'pxe', server: undefined, prefix: '' } } },
    {
      name: 'with storage in the cluster',
      more: { cluster: { ...lab, seen: { ...lab.seen, storage: ['longhorn'] } } },
    },
    {
      name: 'with a node that did not answer',
      more: {
        cluster: {
          ...lab,
          seen: { ...lab.seen, nodes: [node(), { ...worker, macs: [], machine: undefined, trouble: 'no\nroute' }] },
        },
      },
    },
    {
      name: 'on ARM',
      more: {
        cluster: { ...lab, seen: { ...lab.seen, nodes: [node({ machine: machine({ architecture: 'arm64' }) })] } },
      },
    },
    {
      name: 'with words that YAML would take for something else',
      more: { clusterName: 'yes', state: '#state, [a]: b' },
    },
  ])('is taken $name, and no line of it is wider than 120 columns', ({ more }) => {
    const text = written(more)
    expect(() => read(text)).not.toThrow()
    expect(text.split('\n').filter((line) => line.length > 120)).toEqual([])
  })

  test('shuts down with any of several UPSes where nobody has said who hangs on which', () => {
    const { nodes } = read(written({ upses: labelUpses([ups(), ups({ name: 'b' })]) }))
    expect(nodes[0]?.feed).toEqual({ powerValue: { ups: 1, b: 1 }, minSupplies: 2 })
  })

  test('stages images only, or upgrades at any time, where people say so', () => {
    expect(read(written({ upgrades: 'never' })).upgrade).toMatchObject({ enabled: false, windows: [] })
    expect(read(written({ upgrades: 'always' })).upgrade).toMatchObject({ enabled: true, windows: [] })
  })

  test('goes by time alone where a UPS tells neither charge nor runtime', () => {
    expect(read(written({ upses: labelUpses([ups({ tells: ['load'] })]) })).power.maxOnBattery).toBe(300_000)
  })

  test('keeps what strangers wrote out of everything but comments', () => {
    const hostile = 'x\nstate: /tmp\n\u2028nodes: []'
    const text = written({
      cluster: { ...lab, seen: { ...lab.seen, nodes: [{ ...node(), machine: undefined, trouble: hostile }] } },
      upses: labelUpses([ups({ model: hostile, description: hostile, status: hostile })]),
    })
    expect(read(text)).toMatchObject({ state: '/var/lib/caretaker', nodes: [{ name: 'cp-1' }] })
  })
})

describe('an older configuration', () => {
  const older = `# Mine.
cluster: { name: lab, talosconfig: talosconfig }
nodes:
  - name: cp-1 # the old one
    role: controlplane
    address: 192.168.0.2
    mac: 00-1B-21-3A-4F-02
    rebootMode: powercycle

  # The cupboard.
  - name: w-9
    role: worker
    address: 192.168.0.3
    mac: 00:00:00:00:00:01
schematic: homelab # all of them
share:
  directory: /volume1/pxe
upgrade:
  soak: 3d
upses:
  - host: 192.168.0.6
    label: rack
power:
  maxOnBattery: 7m
notifications: {}
`
  /** Without what people choose, which is left as it is. */
  const chosen = new Set(['upgrade', 'power'])
  const foundIn = ({ heading, settings }: Draft): Draft => ({
    heading,
    settings: settings.filter(({ key }) => !chosen.has(key)),
  })
  const merged = (text: string, more: Partial<Choices> = {}) => mergeDraft(text, foundIn(composeDraft(choices(more))))

  test('gets what was found, and keeps everything else as it is written', () => {
    const changes = [
      ['name: w-9', 'name: w-1'],
      ['00:00:00:00:00:01', '00:1b:21:3a:4f:03'],
      [
        '/volume1/pxe\n',
        '/volume1/pxe\n  server: 192.168.0.6 # what is written to the directory was read back from it over TFTP\n',
      ],
      ['label: rack\n', 'label: rack\n    user: monuser\n    password: { file: ups-password }\n'],
    ] as const
    const state = [
      '',
      '# Journal, queue and etcd snapshots: a local disk, and for nobody else to read.',
      'state: /var/lib/caretaker # the default',
      '',
    ]
    const changed = changes.reduce((text, [from, to]) => text.replace(from, to), older)
    expect(merged(older)).toBe(changed + state.join('\n'))
  })

  test('is the same when it is brought up to date once more', () => {
    const once = merged(older)!
    expect(merged(once)).toBe(once)
    expect(merged(written())).toBe(written())
  })

  test('gets a node that is new behind the others, in their own indentation', () => {
    const narrow =
      'nodes:\n- name: cp-1\n  role: controlplane\n  address: 192.168.0.2\n  mac: 00:1b:21:3a:4f:02\nschematic: homelab\n'
    expect(merged(narrow)).toContain(
      '  mac: 00:1b:21:3a:4f:02\n# v1.13.9, amd64\n- name: w-1\n  role: worker\n  address: 192.168.0.3\n  mac: 00:1b:21:3a:4f:03\nschematic',
    )
  })

  test('may have nodes on one line each', () => {
    const flow = 'nodes:\n  - { name: cp-1, role: worker, address: 192.168.0.2, storage: true }\nschematic: homelab\n'
    const nodes = (parseYaml(merged(flow)!, 'it') as { nodes: object[] }).nodes
    expect(nodes[0]).toEqual({
      name: 'cp-1',
      role: 'controlplane',
      address: '192.168.0.2',
      storage: true,
      mac: '00:1b:21:3a:4f:02',
    })
  })

  test.each(['nodes: []\nschematic: homelab\n', 'nodes:\nschematic: homelab\n', '# nothing yet\nschematic: homelab'])(
    'may have no nodes yet: %j',
    (text) => {
      expect(() => read(merged(text)!)).not.toThrow()
    },
  )

  test.each(['', '- a\n', 'a: [', '{ nodes: [] }'])('that can not be edited is drawn up anew: %j', (text) => {
    expect(merged(text)).toBe(undefined)
  })
})

test.each([
  'a, b',
  'x: y',
  '02:00',
  'yes',
  '0x1',
  'a]b',
  '#c',
  'two\nlines',
  '',
  ' blank',
  'null',
  "it's",
  '"q"',
  '!tag',
  '*b',
  true,
  3,
  ['a', { b: '02:00', c: [] }],
  { a: {} },
])('%j is the same when it is read again', (value) => {
  expect(parseYaml(`k: { a: ${flowText(value)}, b: 1 }`, 'it')).toEqual({ k: { a: value, b: 1 } })
})

test('a time of day is in quotes, because older readers count it in sixties', () => {
  expect(flowText({ from: '02:00', mac: '00:1b:21:3a:4f:02' })).toBe("{ from: '02:00', mac: 00:1b:21:3a:4f:02 }")
})
