import { describe, expect, test } from 'vitest'
import { applyPatches, parsePatch } from '../../../src/core/machine-config/patch.ts'
import { parseTrees } from '../../../src/yaml.ts'
import { type Golden, goldenCases, hasGolden, readConfig } from './golden.ts'

/** The patches of a case, read for the release of its tool. */
function patchesOf({ inputs, minor }: Golden) {
  return inputs('input.patch*.yaml').map((text) =>
    parsePatch(
      parseTrees(text, 'the patch').map(({ tree }) => tree),
      [minor],
    ),
  )
}

const cases = hasGolden ? goldenCases('patch-*') : []

describe.skipIf(!hasGolden)(
  'patches of the real talosctl (skipped where its outputs are not beside the project)',
  () => {
    test.each(cases.filter(({ has }) => has('output.yaml')))('$name gives the same documents', (golden) => {
      const patches = patchesOf(golden)
      expect(patches.flatMap(({ faults }) => faults)).toEqual([])
      const base = readConfig(golden.read('input.base.yaml'), golden.minor)
      const patched = applyPatches(
        base,
        patches.map(({ patch }) => patch),
        [golden.minor],
      )
      expect(patched).toEqual(readConfig(golden.read('output.yaml'), golden.minor))
    })

    test.each(cases.filter(({ has }) => !has('output.yaml')))('$name is refused, too', (golden) => {
      const patches = patchesOf(golden)
      const faults = patches.flatMap(({ faults: all }) => all)
      const refuse = () => {
        if (faults[0]) throw new Error(`${faults[0].path.join('.')} ${faults[0].why}`)
        applyPatches(
          readConfig(golden.read('input.base.yaml'), golden.minor),
          patches.map(({ patch }) => patch),
          [golden.minor],
        )
      }
      expect(refuse).toThrow(
        golden.log.includes('JSON6902') ? 'a JSON patch needs' : 'machine.nonsense is not a setting',
      )
    })
  },
)
