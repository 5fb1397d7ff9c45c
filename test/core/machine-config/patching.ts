import { expect } from 'vitest'
import type { MachineConfig } from '../../../src/core/machine-config/document.ts'
import { applyPatches, type ParsedPatch, parsePatch } from '../../../src/core/machine-config/patch.ts'
import { parseTrees } from '../../../src/yaml.ts'
import { readConfig } from './golden.ts'

/** The releases that are to accept what the patches of these tests make. */
export const minors = ['1.13', '1.14']

/** A patch without faults. */
function patchOf(text: string) {
  const { patch, faults } = parse(text)
  expect(faults).toEqual([])
  return patch
}

/** A patch with its faults. */
export function parse(text: string): ParsedPatch {
  return parsePatch(
    parseTrees(text, 'the patch').map(({ tree }) => tree),
    minors,
  )
}

/** A configuration after a patch, as values. */
export function patched(config: string, ...patches: readonly string[]): MachineConfig {
  return applyPatches(readConfig(config, '1.14'), patches.map(patchOf), minors)
}
