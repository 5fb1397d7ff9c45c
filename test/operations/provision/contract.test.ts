import { expect, test } from 'vitest'
import { valueAt } from '../../../src/core/machine-config/document.ts'
import { controlPlane, read, render, testSecrets, usualInstall, worker } from './rendered.ts'

test('a cluster with an AES-CBC secret gets control planes in the words of 1.13, and workers in those of 1.14', async () => {
  const { secretboxencryptionsecret: _, ...others } = testSecrets.secrets
  const secrets = { ...testSecrets, secrets: { ...others, aescbcencryptionsecret: btoa('canary-aescbc-secret') } }
  const made = await render({ secrets }, controlPlane, 'v1.14.1')
  expect(made.contract).toBe('1.13')
  expect(valueAt(read(made.text, '1.14')[0], 'cluster', 'aescbcEncryptionSecret')).toBe(btoa('canary-aescbc-secret'))
  expect(made.warnings).toEqual([expect.stringContaining('AES-CBC') as string])
  expect((await render({ secrets }, worker, 'v1.14.1')).contract).toBe('1.14')
})

test('labels that no worker may give itself are told', async () => {
  const order = { ...worker, labels: { 'node-role.kubernetes.io/gpu': '', 'topology.kubernetes.io/zone': 'attic' } }
  expect((await render({}, order)).warnings).toEqual([
    expect.stringContaining('lets no worker label itself node-role.kubernetes.io/gpu') as string,
  ])
})

test('a text that is delivered is read as it was meant, by any reader of YAML', async () => {
  const odd = [
    'off',
    '0b11',
    '1_000',
    '2026-11-27',
    '12:30:45',
    '~',
    'a: b',
    '#x',
    ' x',
    'x\n\n',
    '\ty',
    '"',
    "'",
    '\\',
    'é',
    '-',
    '0x1f',
    '=',
    '<<',
  ]
  const text = `machine:\n  env: ${JSON.stringify(Object.fromEntries(odd.map((value, index) => [`V${index}`, value])))}\n`
  const made = await render({ machines: `${usualInstall}patches: [a.yaml]`, files: { 'a.yaml': text } })
  expect(Object.values(valueAt(read(made.text, '1.13')[0], 'machine', 'env') as Record<string, string>)).toEqual(odd)
})
