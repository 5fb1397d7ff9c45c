import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLibrary } from '../../../src/services/boot-files/files/library.ts'

test('of more machines than are remembered the first is given what is published now, and the others what they had', async () => {
  await using stack = new AsyncDisposableStack()
  const root = await mkdtemp(join(tmpdir(), 'caretaker-library-'))
  stack.defer(() => rm(root, { recursive: true, force: true }))
  const publish = async (text: string) => {
    await writeFile(join(root, 'next'), text)
    await rename(join(root, 'next'), join(root, 'boot.efi'))
  }
  const library = createLibrary({ root, pinned: 60_000, pins: 2, now: () => 0 })
  stack.defer(() => library.close())
  const versionFor = async (client: string) => {
    const lent = await library.lend(client, 'boot.efi')
    if ('refused' in lent) throw new Error(lent.refused)
    lent.file.drop()
    return lent.file.version
  }
  await publish('old')
  const old = await versionFor('a')
  for (const client of ['b', 'c']) expect(await versionFor(client)).toBe(old)
  await publish('newer')
  // Those that are remembered first: whoever is new takes the place of one of them.
  expect([await versionFor('c'), await versionFor('b')]).toEqual([old, old])
  expect(await versionFor('a')).not.toBe(old)
})
