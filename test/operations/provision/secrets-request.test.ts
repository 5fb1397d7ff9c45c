import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openMemoryJournal } from '../../../src/adapters/journal/journal.ts'
import type { SecretsBundle } from '../../../src/core/machine-config/secrets.ts'
import type { Value } from '../../../src/core/machine-config/tree.ts'
import { secretsIn } from '../../../src/core/provision/mask.ts'
import { createSecretsStore, isOfCluster, parseBundle } from '../../../src/main/provision/machine-secrets.ts'
import { importSecrets } from '../../../src/operations/provision/secrets-request.ts'
import { documentsText } from '../../../src/yaml.ts'
import { asked } from '../../fakes/person.ts'
import { createAuthority } from '../../lab/authority.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { controlPlane, render, testSecrets, worker } from './rendered.ts'

const bundleText = documentsText([testSecrets as unknown as Value])
const other: SecretsBundle = { ...testSecrets, cluster: { ...testSecrets.cluster, id: btoa('another') } }
const otherText = documentsText([other as unknown as Value])

async function kept(isOurs?: boolean) {
  const folder = await temporaryFolder()
  const store = createSecretsStore(folder.path)
  const journal = openMemoryJournal()
  const means = { store, parse: (text: string) => parseBundle(text, 'the file'), isOfCluster: async () => isOurs }
  const take = (text: string, replace = false) => importSecrets(means, journal, { text, replace }, asked())
  return { store, journal, take, file: join(folder.path, 'machine-secrets.yaml') }
}

test('the secrets of a cluster are kept for our user alone, and read as they were', async () => {
  const { store, journal, take, file } = await kept()
  expect(await store.read()).toBeUndefined()
  expect(await take(bundleText)).toEqual({ said: 'the secrets of the cluster are imported', changed: true })
  expect(await store.read()).toEqual(testSecrets)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect((await take(bundleText)).changed).toBe(false)
  const told = JSON.stringify(journal.entries(10))
  expect(told).toContain('the secrets of the cluster are imported')
  expect(secretsIn(testSecrets).filter((secret) => told.includes(secret))).toEqual([])
})

test('others are not taken by the way', async () => {
  const { store, take } = await kept()
  await take(bundleText)
  await expect(take(otherText)).rejects.toThrow('there are other secrets already: with --replace')
  expect(await store.read()).toEqual(testSecrets)
  expect((await take(otherText, true)).said).toBe('the secrets of the cluster are replaced')
  expect((await store.read())?.cluster.id).toBe(btoa('another'))
})

test('kept ones that are damaged are replaced on demand, and the refusal says so', async () => {
  const { store, take, file } = await kept()
  await take(bundleText)
  await writeFile(file, bundleText.slice(0, 300))
  await expect(take(bundleText)).rejects.toThrow(/are damaged: import them again with .* --replace/)
  expect((await take(bundleText, true)).changed).toBe(true)
  expect(await store.read()).toEqual(testSecrets)
})

test('those of another cluster are refused, whatever is said', async () => {
  const { store, take } = await kept(false)
  await expect(take(bundleText, true)).rejects.toThrow('these secrets are of another cluster')
  expect(await store.read()).toBeUndefined()
})

test('they are found in the configuration of a control plane, of both shapes, and not in that of a worker', async () => {
  for (const booted of ['v1.13.9', 'v1.14.1']) {
    const { text } = await render({}, controlPlane, booted)
    expect(parseBundle(text, 'cp')).toEqual(testSecrets)
    const { text: ofWorker } = await render({}, worker, booted)
    expect(() => parseBundle(ofWorker, 'w')).toThrow('w is not the configuration of a control plane')
  }
})

test('a text that holds none is refused, and nothing of it repeated', () => {
  for (const text of [
    bundleText.replace('trustd.canary', 'canary-canary'),
    `${bundleText}\ncanary: [`,
    'canary: 1',
    'canary',
    bundleText.replace('secret:', 'canary:'),
  ]) {
    const failure = (() => {
      try {
        parseBundle(text, 'the file')
        return undefined
      } catch (error) {
        return error as Error
      }
    })()
    expect(failure, text.slice(0, 20)).toBeInstanceOf(Error)
    expect(secretsIn(testSecrets).filter((secret) => failure!.message.includes(secret))).toEqual([])
    expect(failure!.message).not.toContain('canary-canary')
  }
})

test('a bundle is known by the authority of its nodes', async () => {
  const [own, foreign] = [await createAuthority('talos'), await createAuthority('talos')]
  const certs = { ...testSecrets.certs, os: { ...testSecrets.certs.os, crt: btoa(own.ca) } }
  const bundle = { ...testSecrets, certs }
  expect(isOfCluster(bundle, `${foreign.ca}\n${own.ca}`)).toBe(true)
  expect(isOfCluster(bundle, foreign.ca)).toBe(false)
  // What is no certificate tells nothing.
  expect(isOfCluster(testSecrets, own.ca)).toBeUndefined()
})
