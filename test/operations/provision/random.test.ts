import process from 'node:process'
import { expect, test } from 'vitest'
import { readPatchFile } from '../../../src/config/patch-file.ts'
import { AgentError } from '../../../src/core/errors.ts'
import type { MachineConfig } from '../../../src/core/machine-config/document.ts'
import { generateConfig } from '../../../src/core/machine-config/generate.ts'
import { applyPatches, type Patch } from '../../../src/core/machine-config/patch.ts'
import type { PatchFile } from '../../../src/core/provision/machines-file.ts'
import { createRenderer, parsePatchFile } from '../../../src/operations/provision/renderer.ts'
import { documentsText, parseTrees } from '../../../src/yaml.ts'
import { randomFrom, randomPatch } from './random-patches.ts'
import { controlPlane, testFacts, testSecrets, worker } from './rendered.ts'

/** So many patches; `SEEDS` makes them more. */
const rounds = Number(process.env['SEEDS'] ?? 150)
const firstSeed = Number(process.env['SEED'] ?? 1)

/** What is read of a text; undefined where it is refused with words. */
function patchOf(text: string): PatchFile | undefined {
  try {
    return readPatchFile(text, 'a.yaml', ['nut-password'])
  } catch (error) {
    if (!(error instanceof AgentError) || error.message === '') throw error
    return undefined
  }
}

test(`any patch gives documents or a message: ${rounds} random ones`, async () => {
  const outcomes = { unread: 0, refused: 0, made: 0 }
  for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
    const random = randomFrom(seed)
    const files = [patchOf(randomPatch(random)), patchOf(randomPatch(random))].flatMap((one) => one ?? [])
    if (files.length === 0) outcomes.unread += 1
    const folder = {
      file: { install: { disk: '/dev/disk/by-id/x', wipe: false }, patches: [], machines: [] },
      patches: new Map(files.map((file, index) => [`${index}.yaml`, file])),
      values: new Map([['nut-password', 'canary-of-the-ups']]),
      warnings: [],
    }
    const renderer = createRenderer({
      folder: { last: folder, current: async () => folder },
      secrets: async () => testSecrets,
      facts: async () => testFacts,
      write: documentsText,
    })
    const order = { ...(seed % 2 ? worker : controlPlane), patches: [...folder.patches.keys()] }
    try {
      const { text, masked, diff } = await renderer.render(order, {}, seed % 4 < 2 ? 'v1.13.9' : 'v1.14.1')
      outcomes.made += 1
      expect(parseTrees(text, 'it').length, `seed ${seed}`).toBeGreaterThan(1)
      expect(`${masked}${diff}`.includes('canary'), `seed ${seed}`).toBe(false)
    } catch (error) {
      if (!(error instanceof AgentError) || error.code !== 'misconfigured' || error.message === '')
        throw new Error(`seed ${seed}`, { cause: error })
      outcomes.refused += 1
    }
  }
  if (process.env['SEEDS'] !== undefined) console.info(outcomes)
  expect(outcomes.made).toBeGreaterThan(0)
  expect(outcomes.refused).toBeGreaterThan(0)
}, 600_000)

test('patches together are the same as one after the other', () => {
  const minors = ['1.13', '1.14']
  const origin = {
    secrets: testSecrets,
    cluster: { name: 'homelab', endpoint: 'https://192.168.0.2:6443' },
    kubernetes: '1.36.3',
    installer: 'x',
    discovery: true,
  }
  let compared = 0
  for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
    const random = randomFrom(seed)
    const patches = Array.from({ length: 3 }, () => patchOf(randomPatch(random))).flatMap((file): readonly Patch[] => {
      const { patch, faults } = file ? parsePatchFile(file, minors) : { patch: undefined, faults: [] }
      return patch && faults.length === 0 ? [patch] : []
    })
    const config = generateConfig({ ...origin, role: 'controlplane' }, seed % 2 ? '1.13' : '1.14')
    const apply = (base: MachineConfig, some: readonly Patch[]) => applyPatches(base, some, minors)
    const attempt = (work: () => MachineConfig): MachineConfig | string => {
      try {
        return work()
      } catch (error) {
        if (!(error instanceof AgentError)) throw new Error(`seed ${seed}`, { cause: error })
        return error.message
      }
    }
    const [first, ...others] = patches
    if (!first) continue
    compared += others.length
    expect(attempt(() => apply(config, patches))).toEqual(attempt(() => apply(apply(config, [first]), others)))
  }
  expect(compared).toBeGreaterThan(0)
}, 600_000)
