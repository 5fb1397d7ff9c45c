import { describe, expect, test } from 'vitest'
import { refusalsOf } from '../../../src/core/machine-config/validate.ts'
import { goldenCases, hasGolden, readConfig } from './golden.ts'

const verdicts = (hasGolden ? goldenCases('*') : []).flatMap((golden) =>
  ['output', 'output.controlplane', 'output.worker']
    .filter((file) => golden.has(`${file}.validate`))
    .map((file) => ({
      name: `${golden.name}/${file}`,
      golden,
      file,
      isValid: golden.read(`${file}.validate`).includes('is valid'),
    })),
)

describe.skipIf(!hasGolden)('talosctl validate (skipped where its outputs are not beside the project)', () => {
  test.each(verdicts)('$name: valid is $isValid here, too', ({ golden, file, isValid }) => {
    const refusals = refusalsOf(readConfig(golden.read(`${file}.yaml`), golden.minor))
    expect(refusals.length === 0, refusals.join('\n')).toBe(isValid)
    // As many as the tool found.
    const found = golden.read(`${file}.validate`).match(/^\t\* (?!v1alpha1\.Config)/gm) ?? []
    expect(refusals).toHaveLength(found.length)
  })
})

const worker =
  'machine: { type: worker, token: t, ca: { crt: c } }\ncluster: { controlPlane: { endpoint: https://a:6443 } }'

describe('a configuration is refused', () => {
  test.each([
    ['that is incomplete', '{ apiVersion: v1alpha1, kind: HostnameConfig, auto: stable }', 'there is no document with'],
    [
      'without a type',
      'machine: { token: t, ca: { crt: c } }\ncluster: { controlPlane: { endpoint: https://a:6443 } }',
      'machine.type has to be',
    ],
    ['of a worker with a key', worker.replace('crt: c', 'crt: c, key: k'), 'machine.ca.key is there'],
    ['of a worker with etcd', `${worker.slice(0, -2)}, etcd: {} }`, undefined],
    ['of a control plane without a key', worker.replace('worker', 'controlplane'), 'machine.ca.key is missing'],
    [
      'without an endpoint',
      'machine: { type: worker, token: t, ca: { crt: c } }\ncluster: {}',
      'cluster.controlPlane.endpoint is missing',
    ],
    ['by http', worker.replace('https', 'http'), 'has to begin with https://'],
    [
      'that installs nowhere',
      worker.replace('token: t', 'token: t, install: { image: i }'),
      'machine.install needs a disk',
    ],
    [
      'of a worker with a VIP',
      worker.replace('token: t', 'token: t, network: { interfaces: [{ interface: a, vip: { ip: 192.168.0.9 } }] }'),
      'has a vip',
    ],
    [
      'of a worker with a document of control planes',
      `${worker}\n---\n{ apiVersion: v1alpha1, kind: KubeProxyConfig, enabled: false }`,
      'KubeProxyConfig is there',
    ],
    [
      'that says its hostname twice',
      `${worker.replace('token: t', 'token: t, network: { hostname: a }')}\n---\n{ apiVersion: v1alpha1, kind: HostnameConfig, hostname: b }`,
      'machine.network.hostname and the document HostnameConfig exclude each other',
    ],
  ])('%s', (_, text, why) => {
    const refusals = refusalsOf(readConfig(text, '1.14'))
    expect(refusals).toHaveLength(1)
    expect(refusals[0]).toContain(why ?? 'cluster.etcd is there')
  })

  test('and a whole one is not', () => {
    expect(refusalsOf(readConfig(worker, '1.14'))).toEqual([])
  })
})
