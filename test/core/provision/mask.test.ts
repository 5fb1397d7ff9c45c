import { describe, expect, test } from 'vitest'
import type { SecretsBundle } from '../../../src/core/machine-config/secrets.ts'
import { createMask, hiddenIn, hidingFrom, secretsIn } from '../../../src/core/provision/mask.ts'

/** What nobody gets to see. Each canary is written out here, so that one that is forgotten is noticed. */
const line = (name: string) => `${name}${'x'.repeat(40)}`
const pem = (name: string) => `-----BEGIN EC PRIVATE KEY-----\n${line(name)}\nshort=\n-----END EC PRIVATE KEY-----\n`
const pair = (name: string) => ({ crt: btoa(`public-${name}`), key: btoa(pem(name)) })
const bundle: SecretsBundle = {
  cluster: { id: 'canary-id', secret: 'canary-cluster' },
  secrets: {
    bootstraptoken: 'abcdef.canary-bootstrap',
    secretboxencryptionsecret: 'canary-secretbox',
    aescbcencryptionsecret: 'canary-aescbc',
  },
  trustdinfo: { token: 'fedcba.canary-trustd' },
  certs: {
    etcd: pair('canary-etcd'),
    k8s: pair('canary-k8s'),
    k8saggregator: pair('canary-aggregator'),
    k8sserviceaccount: pair('canary-account'),
    os: pair('canary-os'),
  },
}
const keys = ['etcd', 'k8s', 'aggregator', 'account', 'os'].map((name) => `canary-${name}`)

test('a bundle is all that must not be shown of it, as it stands and as it is read', () => {
  expect(secretsIn(bundle).toSorted()).toEqual(
    [
      'canary-id',
      'canary-cluster',
      'abcdef.canary-bootstrap',
      'canary-bootstrap',
      'fedcba.canary-trustd',
      'canary-trustd',
      'canary-secretbox',
      'canary-aescbc',
      ...keys.flatMap((name) => [btoa(pem(name)), pem(name)]),
    ].toSorted(),
  )
  const odd = { ...bundle, certs: { ...bundle.certs, os: { crt: '', key: 'no base64' } } }
  expect(secretsIn(odd)).toContain('no base64')
})

test('a secret is hidden wherever it stands, the lines of a key with any indentation as well', () => {
  const mask = createMask([...secretsIn(bundle), 'abc', ''])
  for (const secret of secretsIn(bundle)) expect(mask.text(`a ${secret} b ${secret}`)).not.toMatch(/canary|MII/)
  for (const name of keys) expect(mask.text(`  - ${line(name)} # own`)).toBe('  - (secret) # own')
  // What is as short as a word stands in others by accident.
  expect(mask.text('abc short= public-canary')).toBe('abc short= public-canary')
})

describe('the words of others', () => {
  const hide = hidingFrom([pem('canary-os'), 'canary-secretbox'])
  test.each([
    { name: 'without a secret stay', said: 'it hung up', is: 'it hung up' },
    { name: 'lose it', said: 'refused: canary-secretbox is bad', is: 'refused: (secret) is bad' },
    { name: 'lose its beginning where they are cut off in it', said: 'refused: canary-secr', is: 'refused: …' },
    {
      name: 'lose the beginning of a line of it',
      said: `refused: "${line('canary-os').slice(0, 20)}`,
      is: 'refused: "…',
    },
    { name: 'keep what is as short as a word', said: 'refused: can', is: 'refused: can' },
    { name: 'keep what begins otherwise', said: 'refused: secretbox', is: 'refused: secretbox' },
  ])('$name', ({ said, is }) => expect(hide(said)).toBe(is))
})

describe('what tells a secret by its form is hidden', () => {
  const { text } = createMask([])
  test.each([
    ['a -----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY----- b', 'a -----BEGIN PRIVATE KEY----- (secret) b'],
    ['-----BEGIN EC PRIVATE KEY-----\nMII cut off', '-----BEGIN EC PRIVATE KEY----- (secret)'],
    ['https://me:pw@nas/x', 'https://(secret)@nas/x'],
    ['https://nas/x?token=pw&a=1', 'https://nas/x?token=(secret)&a=1'],
    ['  MONITOR ups@nas 1 me pw secondary', '  MONITOR ups@nas 1 me (secret) secondary'],
    ['TS_AUTHKEY=pw', 'TS_AUTHKEY=(secret)'],
    ['export NB_SETUP_KEY="p w"', 'export NB_SETUP_KEY=(secret)'],
    ['SSH_PUBLIC_KEY=pw', 'SSH_PUBLIC_KEY=pw'],
    ['TS_STATE_DIR=/var', 'TS_STATE_DIR=/var'],
    ['api-key: "p w", a: 1', 'api-key: (secret), a: 1'],
    [
      'a: 1\n---\nkind: Secret\ndata:\n  a: pw\n\nmetadata: {}\n',
      'a: 1\n---\nkind: Secret\ndata: (secret)\nmetadata: {}\n',
    ],
    ['{"kind": "Secret", "data": {"a": "pw"}}', '(secret)'],
    ['kind: ConfigMap\ndata:\n  a: b', 'kind: ConfigMap\ndata:\n  a: b'],
  ])('%j', (given, is) => expect(text(given)).toBe(is))
})

test('in documents settings for secrets are hidden whole, and what is public is shown', () => {
  const config = [
    {
      machine: {
        token: 'pw-1',
        ca: { crt: 'public', key: 'pw-2' },
        nodeLabels: { key: 'shown', gpu: 'nvidia' },
        env: { HTTP_PROXY: 'http://proxy', API_TOKEN: 'pw-3' },
        registries: { config: { 'ghcr.io': { auth: { username: 'me', password: 'pw-4', auth: 'pw-5' } } } },
        files: [{ path: '/a', content: 'machine ghcr.io login me password pw-6' }],
        kubelet: { extraArgs: { 'some-token': 'pw-7', v: '4' } },
        features: { debug: false, count: 3 },
      },
      cluster: {
        secret: '',
        extraManifestHeaders: { Authorization: 'pw-8' },
        id: 'x canary-id y',
      },
    },
  ]
  const masked = createMask(['canary-id']).config(config)
  expect(JSON.stringify(masked)).not.toMatch(/pw-\d|canary/)
  expect(masked).toMatchObject([
    {
      machine: {
        token: '(secret)',
        ca: { crt: 'public', key: '(secret)' },
        nodeLabels: { key: 'shown', gpu: 'nvidia' },
        env: { HTTP_PROXY: 'http://proxy' },
        registries: { config: { 'ghcr.io': { auth: { username: 'me' } } } },
        files: [{ path: '/a', content: 'machine ghcr.io login me password (secret)' }],
        kubelet: { extraArgs: { v: '4' } },
        features: { debug: false, count: 3 },
      },
      cluster: { secret: '', id: 'x (secret) y' },
    },
  ])
  expect(hiddenIn(config, masked)).toEqual(
    expect.arrayContaining(['pw-1', 'pw-2', 'pw-3', 'pw-4', 'pw-5', 'pw-7', 'pw-8', 'x canary-id y']),
  )
  expect(hiddenIn(config, config)).toEqual([])
})
