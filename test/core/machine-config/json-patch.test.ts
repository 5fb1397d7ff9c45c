import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from 'vitest'
import { AgentError } from '../../../src/core/errors.ts'
import { applyPatches } from '../../../src/core/machine-config/patch.ts'
import { createRandom, type Random } from '../random.ts'
import { readConfig } from './golden.ts'
import { minors, parse, patched } from './patching.ts'

describe('a JSON patch', () => {
  const config = 'machine: { certSANs: [a, b], install: { disk: /dev/sda } }'

  test.each([
    [
      'adds',
      '[{ op: add, path: /machine/certSANs/1, value: c }]',
      { certSANs: ['a', 'c', 'b'], install: { disk: '/dev/sda' } },
    ],
    [
      'adds at the end',
      '[{ op: add, path: /machine/certSANs/-, value: c }]',
      { certSANs: ['a', 'b', 'c'], install: { disk: '/dev/sda' } },
    ],
    [
      'replaces',
      '[{ op: replace, path: /machine/install/disk, value: /dev/sdb }]',
      { certSANs: ['a', 'b'], install: { disk: '/dev/sdb' } },
    ],
    ['removes', '[{ op: remove, path: /machine/certSANs/0 }]', { certSANs: ['b'], install: { disk: '/dev/sda' } }],
    [
      'moves',
      '[{ op: move, from: /machine/certSANs/0, path: /machine/certSANs/1 }]',
      { certSANs: ['b', 'a'], install: { disk: '/dev/sda' } },
    ],
    [
      'copies',
      '[{ op: copy, from: /machine/install/disk, path: /machine/certSANs/0 }]',
      { certSANs: ['/dev/sda', 'a', 'b'], install: { disk: '/dev/sda' } },
    ],
    [
      'tests',
      '[{ op: test, path: /machine/certSANs, value: [a, b] }]',
      { certSANs: ['a', 'b'], install: { disk: '/dev/sda' } },
    ],
  ])('%s', (_, patch, machine) => {
    expect(patched(config, patch)).toEqual([{ machine }])
  })

  test.each([
    ['[{ op: remove, path: /machine/nothing }]', 'operation 1 of the JSON patch: /machine/nothing is not there'],
    [
      '[{ op: test, path: /machine/certSANs/0, value: b }]',
      'operation 1 of the JSON patch: /machine/certSANs/0 is not what the patch expects',
    ],
    [
      '[{ op: add, path: /machine/nonsense, value: 1 }]',
      'the JSON patch: machine.nonsense is not a setting that Talos knows',
    ],
    ['[{ op: move, from: /machine, path: /machine/install }]', 'cannot be moved into itself'],
  ])('%s is refused', (patch, why) => {
    expect(() => patched(config, patch)).toThrow(why)
  })

  test('is refused where there is a second document', () => {
    const two = `${config}\n---\n{ apiVersion: v1alpha1, kind: HostnameConfig, auto: stable }`
    expect(() => patched(two, '[{ op: remove, path: /machine/certSANs }]')).toThrow(
      'a JSON patch needs a machine configuration of one document',
    )
  })
})

/** Something that a person could have written, well or not. */
function randomTree(random: Random, depth: number): string {
  const names = [
    'machine',
    'network',
    'interfaces',
    'interface',
    'kubelet',
    'extraConfig',
    'install',
    'disk',
    '$patch',
    'sysctls',
    'certSANs',
    '__proto__',
    'vlans',
    'cluster',
  ]
  const scalars = ['delete', '"x"', '1', '1.5', 'true', 'null', '', '/dev/sda', 'a b', '"0x1"']
  if (depth === 0 || random.chance(0.25)) return random.pick(scalars)
  const some = Array.from({ length: random.below(4) }, () => randomTree(random, depth - 1))
  if (random.chance(0.3)) return `[${some.map((one) => one || '~').join(', ')}]`
  return `{ ${some.map((one) => `${random.pick(names)}: ${one}`).join(', ')} }`
}

test('random patches give a configuration or a message', () => {
  const random = createRandom(18)
  const config = readConfig('machine: { type: worker, network: { interfaces: [{ interface: a }] } }', '1.14')
  const odd: string[] = []
  let applied = 0
  for (let turn = 0; turn < 2_000; turn++) {
    const top = random.chance(0.7) ? `{ machine: ${randomTree(random, 4)} }` : randomTree(random, 5)
    const text = `${top}\n---\n${random.chance(0.3) ? '{ apiVersion: v1alpha1, kind: HostnameConfig, hostname: a }' : ''}`
    try {
      const { patch, faults } = parse(text)
      if (faults.length > 0) continue
      const [once, twice] = [applyPatches(config, [patch], minors), applyPatches(config, [patch, patch], minors)]
      if (!isDeepStrictEqual(applyPatches(once, [patch], minors), twice)) odd.push(text)
      applied += 1
    } catch (error) {
      if (!(error instanceof AgentError) || error.code === 'internal') odd.push(`${text}: ${String(error)}`)
    }
  }
  expect(odd).toEqual([])
  expect(applied).toBeGreaterThan(100)
})
