import { describe, expect, test } from 'vitest'
import { serverOfMount } from '../../../src/core/setup/mounts.ts'
import { nearestName, parsePlace } from '../../../src/core/setup/names.ts'
import { chooseSchematics } from '../../../src/core/setup/schematics.ts'
import { describeUps, labelUpses, remarksOnUpses } from '../../../src/core/setup/upses.ts'
import { machine, node, schematicId, ups } from './seen.ts'

const otherId = 'b'.repeat(64)
const running = (name: string, schematic: string | undefined) => node({ name, machine: machine({ name, schematic }) })

describe('schematics', () => {
  const textOf = (id: string) => `text of ${id[0]}`

  test('the one that most nodes run is the schematic of all, another has its first node in its name', () => {
    const nodes = [running('gpu-1', otherId), running('w-1', schematicId), running('w-2', schematicId)]
    expect(chooseSchematics(nodes, 'homelab', { kept: [], textOf }).choices).toEqual([
      { name: 'homelab', id: schematicId, nodes: ['w-1', 'w-2'], text: 'text of c' },
      { name: 'homelab-gpu-1', id: otherId, nodes: ['gpu-1'], text: 'text of b' },
    ])
  })

  test('a file that makes the same schematic is used as it is, whatever its name', () => {
    const kept = [{ name: 'mine', id: schematicId }]
    expect(chooseSchematics([running('w-1', schematicId)], 'homelab', { kept, textOf }).choices).toEqual([
      { name: 'mine', id: schematicId, nodes: ['w-1'], text: undefined },
    ])
  })

  test('a file with another schematic is never overwritten', () => {
    const kept = [{ name: 'homelab', id: otherId }]
    expect(chooseSchematics([running('w-1', schematicId)], 'homelab', { kept, textOf }).choices[0]?.name).toBe(
      'homelab-2',
    )
  })

  test('one that nobody can spell out is left out, and said', () => {
    const { choices, remarks } = chooseSchematics([running('w-1', schematicId)], 'homelab', {
      kept: [],
      textOf: () => undefined,
    })
    expect(choices).toEqual([])
    expect(remarks).toEqual([expect.stringContaining('of w-1 is left out: neither the node nor the Factory tells')])
  })

  test('an image that no Factory made is named, with its extensions', () => {
    const bare = node({ name: 'w-1', machine: machine({ schematic: undefined, extensions: ['siderolabs/i915'] }) })
    expect(chooseSchematics([bare], 'homelab', { kept: [], textOf }).remarks).toEqual([
      expect.stringMatching(/^the image of w-1 was not made by an Image Factory: .*siderolabs\/i915/),
    ])
  })
})

describe('UPSes', () => {
  test('two of the same name get labels that differ, and one of its own name needs none', () => {
    const labels = (...all: Parameters<typeof ups>[0][]) =>
      labelUpses(all.map((one) => ups(one))).map(({ label, isNamed }) => [label, isNamed])
    expect(labels({}, { host: 'pi.lan' })).toEqual([
      ['ups-192.168.0.6', true],
      ['ups-pi.lan', true],
    ])
    expect(labels({ name: 'Rack_1' })).toEqual([['rack-1', false]])
    expect(labels({ host: '1.2.3.4' }, { host: '1.2.3.4', port: 3494 })).toEqual([
      ['ups-1.2.3.4', true],
      ['ups-2', true],
    ])
  })

  test('what it does not tell is said, and so is a refused login', () => {
    const [blind] = labelUpses([ups({ tells: [], loginRefused: 'ACCESS-DENIED' })])
    expect(remarksOnUpses([blind!])).toEqual([
      'ups: it does not tell its charge, how long its battery lasts and its load: other triggers start the shutdown',
      'ups: upsd refuses the login: ACCESS-DENIED',
    ])
    expect(describeUps(blind!.ups)).toBe('Back-UPS ES 700G, OL CHRG, tells neither charge nor runtime')
  })
})

test.each([
  { text: '192.168.0.6', place: { host: '192.168.0.6', port: 3493 } },
  { text: ' nas.lan:3494 ', place: { host: 'nas.lan', port: 3494 } },
  { text: '[fd00::6]:3494', place: { host: 'fd00::6', port: 3494 } },
  { text: 'fd00::6', place: { host: 'fd00::6', port: 3493 } },
  { text: 'ups@192.168.0.6', place: undefined },
  { text: 'nas:0', place: undefined },
  { text: 'nas:65536', place: undefined },
  { text: '', place: undefined },
])('a server is written as $text', ({ text, place }) => {
  expect(parsePlace(text, 3493)).toEqual(place)
})

test('a name for the configuration is made of whatever a context is called', () => {
  expect(['My Lab!', 'admin@home', '--', 'lab'].map(nearestName)).toEqual(['my-lab', 'admin-home', undefined, 'lab'])
})

test.each([
  { name: 'an NFS mount', source: '192.168.0.6:/volume1/pxe', type: 'nfs4', host: '192.168.0.6' },
  { name: 'an NFS mount by IPv6', source: '[fd00::6]:/volume1/pxe', type: 'nfs', host: 'fd00::6' },
  { name: 'an SMB mount', source: '//nas.lan/pxe', type: 'cifs', host: 'nas.lan' },
  { name: 'a local disk', source: '/dev/sda1', type: 'ext4', host: undefined },
])('the server behind $name is found', ({ source, type, host }) => {
  const line = (point: string, kind: string, from: string) =>
    `36 25 0:32 / ${point} rw,relatime shared:1 - ${kind} ${from} rw`
  const mounts = [
    line('/', 'ext4', '/dev/sda1'),
    line('/mnt/my\\040pxe', type, source),
    line('/mnt', 'xfs', '/dev/sdb1'),
  ]
  expect(serverOfMount(mounts.join('\n'), '/mnt/my pxe/talos')).toBe(host)
  expect(serverOfMount(mounts.join('\n'), '/mnt/my pxe2')).toBe(undefined)
})
