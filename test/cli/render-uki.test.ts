import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inspectUkiFile } from '../../src/adapters/share/uki-file.ts'
import { renderUki } from '../../src/cli/render-uki.ts'
import { canonicalYaml, type Schematic } from '../../src/core/release/schematic.ts'
import { schematicOf } from '../core/release/archives.ts'
import { imageOf } from '../core/release/images.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'caretaker-inspect-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

async function inspect(image: Buffer) {
  const path = join(directory, 'image.efi')
  await writeFile(path, image)
  const uki = await inspectUkiFile(path)
  const lines = renderUki(uki, 'image.efi')
    .split('\n')
    .map((line) => line.replace(/[\da-f]{64}/, 'DIGEST'))
  return { uki, lines }
}

test('an image is drawn with its profiles, its extensions and its schematic', async () => {
  const schematic: Schematic = { customization: { systemExtensions: { officialExtensions: ['siderolabs/i915'] } } }
  const { lines } = await inspect(
    imageOf({
      cmdline: 'talos.platform=metal',
      profiles: [{ id: 'reset', title: 'Reset', cmdline: 'talos.platform=metal wipe' }],
      schematic: schematicOf(canonicalYaml(schematic)),
      extensions: ['siderolabs/i915'],
    }),
  )
  expect(lines.filter((line) => !line.startsWith('sections'))).toEqual([
    'image.efi: Talos (v1.13.9)',
    'version       v1.13.9',
    'architecture  amd64',
    'kernel        6.18.44-talos',
    'signed        no',
    'authenticode  DIGEST',
    'profile       main',
    'command line  talos.platform=metal',
    'profile       reset, Reset',
    'command line  talos.platform=metal wipe',
    'extensions    i915 v1.0.0',
    'schematic     DIGEST, Image Factory (https://factory.example/)',
    '              customization:',
    '                  systemExtensions:',
    '                      officialExtensions:',
    '                          - siderolabs/i915',
  ])
})

test('a machine configuration in an image is neither drawn nor printed', async () => {
  const schematic: Schematic = { customization: { embeddedMachineConfiguration: 'token: hunter2\n' } }
  const { uki, lines } = await inspect(imageOf({ schematic: schematicOf(canonicalYaml(schematic)) }))
  expect(lines.join('\n')).toContain('embeddedMachineConfiguration: (15 characters, not shown)')
  expect(lines.join('\n') + JSON.stringify(uki)).not.toContain('hunter2')
})

test.each([
  { initrd: undefined, says: '(none: no Image Factory has built it)' },
  { initrd: Buffer.from([0x1f, 0x8b, 8, 0]), says: '(unreadable: the last archive of .initrd is not zstd but gzip)' },
  { initrd: Buffer.from('28b52ffd0858010000', 'hex'), says: /^schematic {5}\(unreadable: a zstd frame of .initrd has/ },
])('an image without a schematic says why: $says', async ({ initrd, says }) => {
  const { lines } = await inspect(imageOf(initrd ? { initrd } : {}))
  expect(lines.find((line) => line.startsWith('schematic'))).toMatch(says)
  expect(lines[1]).toBe('version       v1.13.9')
})
