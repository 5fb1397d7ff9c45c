import { describe, expect, test } from 'vitest'
import { parseTrees } from '../../../src/yaml.ts'
import { parse, patched } from './patching.ts'

describe('a patch changes a setting as Talos has it', () => {
  test.each([
    ['an empty text changes nothing', 'machine: { type: worker }', 'machine: { type: "" }', { type: 'worker' }],
    [
      '0 changes nothing',
      'machine: { network: { interfaces: [{ interface: a, mtu: 9000 }] } }',
      'machine: { network: { interfaces: [{ interface: a, mtu: 0 }] } }',
      { network: { interfaces: [{ interface: 'a', mtu: 9000 }] } },
    ],
    [
      'null changes nothing',
      'machine: { install: { disk: /dev/sda } }',
      'machine: { install: { disk: null } }',
      { install: { disk: '/dev/sda' } },
    ],
    [
      'false counts',
      'machine: { install: { wipe: true } }',
      'machine: { install: { wipe: no } }',
      { install: { wipe: false } },
    ],
    [
      'a list is appended to, also what is there',
      'machine: { certSANs: [a, b] }',
      'machine: { certSANs: [b, c] }',
      { certSANs: ['a', 'b', 'b', 'c'] },
    ],
    [
      'maps are merged by key',
      'machine: { sysctls: { a: "1", b: "2" } }',
      'machine: { sysctls: { b: 3, c: yes } }',
      { sysctls: { a: '1', b: '3', c: 'yes' } },
    ],
    [
      'an interface is found by its name',
      'machine: { network: { interfaces: [{ interface: a, mtu: 1400 }] } }',
      'machine: { network: { interfaces: [{ interface: a, dhcp: true }, { interface: b }] } }',
      { network: { interfaces: [{ interface: 'a', mtu: 1400, dhcp: true }, { interface: 'b' }] } },
    ],
    [
      'or by an equal selector',
      'machine: { network: { interfaces: [{ deviceSelector: { driver: igb }, mtu: 1400 }] } }',
      'machine: { network: { interfaces: [{ deviceSelector: { driver: igb }, dhcp: true }, { deviceSelector: { driver: e1000 } }] } }',
      {
        network: {
          interfaces: [
            { deviceSelector: { driver: 'igb' }, mtu: 1400, dhcp: true },
            { deviceSelector: { driver: 'e1000' } },
          ],
        },
      },
    ],
    [
      'a VLAN by its id',
      'machine: { network: { interfaces: [{ interface: a, vlans: [{ vlanId: 5, mtu: 1400 }] }] } }',
      'machine: { network: { interfaces: [{ interface: a, vlans: [{ vlanId: 5, dhcp: true }, { vlanId: 6 }] }] } }',
      { network: { interfaces: [{ interface: 'a', vlans: [{ vlanId: 5, mtu: 1400, dhcp: true }, { vlanId: 6 }] }] } },
    ],
    [
      'arguments are replaced one by one',
      'machine: { kubelet: { extraArgs: { v: "2", a: [x, y] } } }',
      'machine: { kubelet: { extraArgs: { a: [z] } } }',
      { kubelet: { extraArgs: { v: '2', a: ['z'] } } },
    ],
    [
      'what Talos knows nothing of is merged in depth',
      'machine: { kubelet: { extraConfig: { a: { b: 1, list: [1] } } } }',
      'machine: { kubelet: { extraConfig: { a: { c: 2, list: [2] } } } }',
      { kubelet: { extraConfig: { a: { b: 1, c: 2, list: [1, 2] } } } },
    ],
  ])('%s', (_, config, patch, machine) => {
    expect(patched(config, patch)).toEqual([{ machine }])
  })

  test('subnets and policies are replaced', () => {
    const config =
      'cluster: { network: { podSubnets: [10.1.0.0/16] }, apiServer: { auditPolicy: { rules: [1], kind: Policy } } }'
    const patch = 'cluster: { network: { podSubnets: [10.2.0.0/16] }, apiServer: { auditPolicy: { rules: [2] } } }'
    expect(patched(config, patch)).toEqual([
      { cluster: { network: { podSubnets: ['10.2.0.0/16'] }, apiServer: { auditPolicy: { rules: [2] } } } },
    ])
  })

  test('a pointer takes 0, too', () => {
    const bond = (rest: string) => `{ apiVersion: v1alpha1, kind: BondConfig, name: bond0, ${rest} }`
    expect(patched(bond('miimon: 100'), bond('miimon: 0'))).toEqual([
      { apiVersion: 'v1alpha1', kind: 'BondConfig', name: 'bond0', miimon: 0 },
    ])
  })

  test('what is a map can not become a list', () => {
    const kubelet = (config: string) => `machine: { kubelet: { extraConfig: { a: ${config} } } }`
    expect(() => patched(kubelet('{ b: 1 }'), kubelet('[1]'))).toThrow(
      'machine.kubelet.extraConfig.a is a map, and the patch has a list there',
    )
    expect(() => patched(kubelet('1'), kubelet('1.5'))).toThrow(
      'is a whole number, and the patch has a number with a fraction',
    )
  })
})

describe('$patch: delete', () => {
  const node = '{ apiVersion: v1alpha1, kind: HostnameConfig, auto: stable }'

  test.each([
    ['a setting', 'machine: { kubelet: { $patch: delete } }', [{ machine: { certSANs: ['a'] } }]],
    [
      'a setting that is unset already',
      'machine: { install: { $patch: delete } }',
      [{ machine: { kubelet: { image: 'k' }, certSANs: ['a'] } }],
    ],
    [
      'a setting, and changes another',
      'machine: { kubelet: { $patch: delete }, type: worker }',
      [{ machine: { certSANs: ['a'], type: 'worker' } }],
    ],
  ])('deletes %s', (_, patch, expected) => {
    expect(patched('machine: { kubelet: { image: k }, certSANs: [a] }', patch)).toEqual(expected)
  })

  test('deletes a document, and nothing where it is gone already', () => {
    const patch = '{ apiVersion: v1alpha1, kind: HostnameConfig, $patch: delete }'
    expect(patched(`machine: {}\n---\n${node}`, patch, patch)).toEqual([{ machine: {} }])
  })

  test('deletes an element of a list, by the first of its settings', () => {
    const interfaces = 'machine: { network: { interfaces: [{ interface: a }, { interface: b }] } }'
    const patch = 'machine: { network: { interfaces: [{ interface: a, $patch: delete }] } }'
    expect(patched(interfaces, patch)).toEqual([{ machine: { network: { interfaces: [{ interface: 'b' }] } } }])
    expect(() => patched(interfaces, patch, patch)).toThrow(
      'machine.network.interfaces of v1alpha1: there is nothing to delete',
    )
  })

  test.each([
    [
      'the document with machine',
      '$patch: delete\nmachine: {}',
      'the document with `machine` and `cluster` cannot be deleted',
    ],
    [
      'within an element of a list',
      'machine: { network: { interfaces: [{ interface: a, dhcpOptions: { $patch: delete } }] } }',
      'machine.network.interfaces[0].dhcpOptions: within a list only a whole element can be deleted',
    ],
    ['a document of half a kind', 'kind: HostnameConfig\n$patch: delete', 'a document needs both kind and apiVersion'],
  ])('is refused for %s', (_, patch, why) => {
    expect(parse(patch).faults).toEqual([{ document: 0, path: [], why }])
  })
})

describe('a text that a node would refuse', () => {
  test.each([
    ['machine: { netwrok: {} }', ['machine', 'netwrok'], 'is not a setting that Talos knows; did you mean network?'],
    [
      'apiVersion: v1alpha1\nkind: HostnamConfig',
      ['kind'],
      'is not a kind of document that Talos knows; did you mean HostnameConfig?',
    ],
    ['apiVersion: v1beta1\nkind: HostnameConfig', ['apiVersion'], 'has to be v1alpha1'],
    ['machine: { install: { wipe: maybe } }', ['machine', 'install', 'wipe'], 'has to be true or false'],
    ['machine: { certSANs: one }', ['machine', 'certSANs'], 'has to be a list'],
    [
      'machine: { network: { interfaces: [{ mtu: much }] } }',
      ['machine', 'network', 'interfaces', 0, 'mtu'],
      'has to be a whole number',
    ],
    [
      'apiVersion: v1alpha1\nkind: KubeProxyConfig\nenabled: false',
      ['kind'],
      'KubeProxyConfig needs Talos 1.14 or later',
    ],
    ['hello: world', [], 'has neither a kind nor `machine` or `cluster`'],
    [
      'apiVersion: v1alpha1\nkind: WatchdogTimerConfig\ntimeout: soon',
      ['timeout'],
      'has to be a duration such as 2m or 1h30m',
    ],
  ])('%s', (text, path, why) => {
    expect(parse(text).faults).toContainEqual({ document: 0, path, why })
  })

  test('has the place of what is wrong', () => {
    const [, second] = parseTrees(
      'machine: {}\n---\napiVersion: v1alpha1\nkind: HostnameConfig\nhost: a\n',
      'the patch',
    )
    expect(second!.placeOf(['host'])).toEqual({ line: 5, column: 1 })
  })

  test('a document twice', () => {
    const node = 'apiVersion: v1alpha1\nkind: HostnameConfig\nauto: off\n'
    expect(parse(`${node}---\n${node}`).faults).toEqual([
      { document: 1, path: [], why: 'HostnameConfig is there twice' },
    ])
  })
})
