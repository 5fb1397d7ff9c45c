import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { checkSchematicFile } from '../../src/cli/schematic-answers.ts'
import { renderSchematicCheck, renderSchematicDiff } from '../../src/cli/render-schematic.ts'
import { loadSettings, toSchematic } from '../../src/main/settings.ts'
import { worker } from '../core/cluster/nodes.ts'
import { createFactory, type LabFactory } from '../lab/factory/factory.ts'
import { temporaryFolder } from '../lab/process.ts'
import { soon } from '../patience.ts'

let lab: LabFactory
let stack: AsyncDisposableStack
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  lab = stack.use(createFactory({ address: '127.0.116.7', versions: ['v1.13.9', 'v1.14.1', 'v1.15.0-alpha.0'] }))
  await lab.start()
})
afterEach(() => stack.disposeAsync())

async function check(text: string, name = 'homelab') {
  const folder = stack.use(await temporaryFolder())
  const file = join(folder.path, 'caretaker.yaml')
  const node = { name: 'w-1', role: 'worker', address: '10.0.0.3' }
  await writeFile(
    file,
    stringify({
      nodes: [{ ...node, name: 'cp-1', role: 'controlplane', address: '10.0.0.2' }, node],
      schematic: 'homelab',
      share: { directory: 'share' },
      state: 'state',
      factory: { url: lab.url },
    }),
  )
  await mkdir(join(folder.path, 'schematics'))
  await writeFile(join(folder.path, 'schematics', 'homelab.yaml'), 'customization: {}\n')
  const settings = await loadSettings(file, {})
  const nodes = [worker('w-1', { talos: { version: 'v1.13.9', extensions: ['siderolabs/i915'] } })]
  const after = toSchematic(text, 'new.yaml')
  return renderSchematicCheck(await checkSchematicFile({ settings, name, after, nodes }, soon()))
}

const asking = (...names: readonly string[]) =>
  stringify({ customization: { systemExtensions: { officialExtensions: names } } })

describe('a schematic is checked before it is applied', () => {
  test('against what the Factory has for the releases that may come, with what comes of it', async () => {
    lab.faults.missingExtensions['v1.14.1'] = ['siderolabs/iscsi-tools']
    const shown = (await check(asking('siderolabs/iscsi-tools'))).split('\n')
    expect(shown[0]).toMatch(/^[0-9a-f]{64}, checked against v1\.13\.9, v1\.14\.1$/)
    expect(shown.slice(1)).toEqual([
      'error siderolabs/iscsi-tools is not in v1.14.1',
      'As homelab it has siderolabs/iscsi-tools in addition',
      'Rebuilt and published: metal-amd64-uki.efi',
      'Upgraded to it one after another, each with a reboot: w-1',
      'w-1 would lose siderolabs/i915: it waits for `caretaker approve --losing`',
    ])
  })

  test('of which only the comments were edited, it leads to nothing', async () => {
    expect(await check('# why\ncustomization: {}\n')).toContain('As homelab it changes nothing')
  })

  test('under a name that nothing in the configuration has, it is checked alone', async () => {
    const shown = await check(asking('siderolabs/i915'), 'other')
    expect(shown).toContain('ok every image of it can be built')
    expect(shown).toContain('name one with --as')
  })

  test('in an overlay that the Factory has', async () => {
    const shown = await check(stringify({ overlay: { name: 'rpi_generic', image: 'siderolabs/sbc-raspberrypi' } }))
    expect(shown).toContain('ok every image of it can be built')
  })
})

describe('two schematics are compared', () => {
  const [a, b] = [
    { name: 'a.yaml', id: 'a'.repeat(64) },
    { name: 'b.yaml', id: 'b'.repeat(64) },
  ]
  test('by what the second has otherwise', () => {
    const shown = renderSchematicDiff({ a, b, differences: ['lacks siderolabs/i915'], isSameId: false })
    expect(shown.split('\n')).toEqual([`a.yaml is ${a.id}`, `b.yaml is ${b.id}`, 'b.yaml lacks siderolabs/i915'])
  })

  test('that differ only in how they are written', () => {
    expect(renderSchematicDiff({ a, b: a, differences: [], isSameId: true })).toBe(`the same: ${a.id}`)
    expect(renderSchematicDiff({ a, b, differences: [], isSameId: false })).toContain('images are rebuilt')
  })
})
