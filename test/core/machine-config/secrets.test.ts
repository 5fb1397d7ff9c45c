import { describe, expect, test } from 'vitest'
import { contractFor, generateConfig } from '../../../src/core/machine-config/generate.ts'
import { goDuration } from '../../../src/core/machine-config/go-duration.ts'
import { readSecrets, secretsOf } from '../../../src/core/machine-config/secrets.ts'

const pair = (name: string) => ({ crt: btoa(`${name} certificate`), key: btoa(`${name} key`) })

/** Of no cluster. */
const bundle = {
  cluster: { id: btoa('the id of a cluster'), secret: btoa('the secret of a cluster') },
  secrets: { bootstraptoken: 'abcdef.0123456789abcdef', secretboxencryptionsecret: btoa('what encrypts Secrets') },
  trustdinfo: { token: 'ghijkl.0123456789ghijkl' },
  certs: {
    etcd: pair('etcd'),
    k8s: pair('k8s'),
    k8saggregator: pair('aggregator'),
    k8sserviceaccount: { key: btoa('account key') },
    os: pair('os'),
  },
}

const origin = {
  role: 'controlplane',
  secrets: bundle,
  cluster: { name: 'homelab', endpoint: 'https://192.168.0.2:6443' },
  kubernetes: '1.35.2',
  installer: 'factory.talos.dev/metal-installer/abc:v1.14.1',
  discovery: true,
} as const

describe('a secrets bundle', () => {
  test.each(['1.12', '1.13', '1.14'] as const)('is found again in a control plane of contract %s', (contract) => {
    expect(secretsOf(generateConfig(origin, contract), 'cp-1')).toEqual(bundle)
  })

  test.each([
    [
      'a token of another form',
      { ...bundle, trustdinfo: { token: 'SECRET' } },
      'secrets.yaml.trustdinfo.token is not a token',
    ],
    [
      'a key that is no base64',
      { ...bundle, certs: { ...bundle.certs, os: { crt: btoa('a'), key: 'SECRET!' } } },
      'secrets.yaml.certs.os.key is not base64',
    ],
    ['no cluster', { ...bundle, cluster: undefined }, 'secrets.yaml.cluster'],
    [
      'nothing that encrypts',
      { ...bundle, secrets: { bootstraptoken: bundle.secrets.bootstraptoken } },
      'needs one of secretboxencryptionsecret',
    ],
    [
      'two that encrypt',
      { ...bundle, secrets: { ...bundle.secrets, aescbcencryptionsecret: btoa('SECRET') } },
      'needs one of secretboxencryptionsecret',
    ],
  ])('with %s is refused, and nothing of it is shown', (_, value, why) => {
    const read = () => readSecrets(value, 'secrets.yaml')
    expect(read).toThrow(why)
    expect(read).not.toThrow('SECRET')
  })

  test('of AES-CBC is not written as one of secretbox', () => {
    const old = { bootstraptoken: bundle.secrets.bootstraptoken, aescbcencryptionsecret: btoa('an old secret') }
    const secrets = readSecrets({ ...bundle, secrets: old }, 'secrets.yaml')
    expect(() => generateConfig({ ...origin, secrets }, '1.14')).toThrow('AES-CBC')
    expect(secretsOf(generateConfig({ ...origin, secrets }, '1.13'), 'cp-1')).toEqual(secrets)
  })
})

test.each([
  [['1.12', '1.14'], '1.12'],
  [['1.13', '1.14'], '1.13'],
  [['1.14', '1.15'], '1.14'],
  [['1.9', '1.14'], undefined],
])('a node of %j gets the contract %s', (minors, contract) => {
  expect(contractFor(minors)).toBe(contract)
})

test('a worker has no key of an authority', () => {
  for (const contract of ['1.12', '1.13', '1.14'] as const) {
    const text = JSON.stringify(generateConfig({ ...origin, role: 'worker' }, contract))
    const { certs, secrets } = bundle
    for (const one of [certs.etcd, certs.k8s, certs.k8saggregator, certs.k8sserviceaccount, certs.os])
      for (const form of [one.key, atob(one.key)]) expect(text).not.toContain(form)
    expect(text).not.toContain(secrets.secretboxencryptionsecret)
  }
})

test.each([
  ['2m', '2m0s'],
  ['90m', '1h30m0s'],
  ['168h', '168h0m0s'],
  ['1.5s', '1.5s'],
  ['100ms', '100ms'],
  ['1h0.5s', '1h0m0.5s'],
  ['250us', '250µs'],
  ['-3s', '-3s'],
  ['0', '0s'],
  ['2', undefined],
  ['soon', undefined],
  ['', undefined],
])('Go writes the duration %s as %s', (given, written) => {
  expect(goDuration(given)).toBe(written)
})
