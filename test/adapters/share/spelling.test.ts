import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { spellingMeans, takeSpelling } from '../../../src/adapters/share/spelling.ts'

/** A folder of SMB: it keeps how a name was written, and finds it however it is written. */
function folderOf(names: Readonly<Record<string, 'ours' | 'foreign'>>, areSpellingsOne = true) {
  const present = new Map(Object.entries(names))
  const find = (name: string) =>
    [...present.keys()].find((one) => (areSpellingsOne ? one.toLowerCase() === name.toLowerCase() : one === name))
  return {
    names: () => [...present.keys()],
    means: {
      list: async () => [...present.keys()],
      isThere: async (name: string) => find(name) !== undefined,
      isOurs: async (name: string) => present.get(find(name) ?? '') === 'ours',
      rename: async (from: string, to: string) => {
        const what = present.get(find(from)!)!
        present.delete(find(from)!)
        present.set(to, what)
      },
    },
  }
}

test('a foreign file that differs in case only is not replaced where the share takes both for one', async () => {
  const folder = folderOf({ 'GPU.efi': 'foreign' })
  await expect(takeSpelling('gpu.efi', folder.means)).rejects.toMatchObject({
    code: 'misconfigured',
    message: expect.stringContaining('to the share it is the same name as GPU.efi'),
  })
  expect(folder.names()).toEqual(['GPU.efi'])
})

test('what we have published gets its new spelling', async () => {
  const folder = folderOf({ 'GPU.efi': 'ours', 'mini.efi': 'ours' })
  await takeSpelling('gpu.efi', folder.means)
  expect(folder.names()).toEqual(['mini.efi', 'gpu.efi'])
})

test.each([
  { name: 'lies beside it where spellings count', names: { 'GPU.efi': 'foreign' }, areSpellingsOne: false },
  { name: 'does not matter where the name is there as it is', names: { 'gpu.efi': 'foreign' } },
  { name: 'does not matter where it is another name', names: { 'GPU2.efi': 'foreign' } },
] as const)('a foreign file $name', async ({ names, ...given }) => {
  const folder = folderOf(names, 'areSpellingsOne' in given ? given.areSpellingsOne : true)
  await takeSpelling('gpu.efi', folder.means)
  expect(folder.names()).toEqual(Object.keys(names))
})

test('on a disk of Linux two spellings are two names', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-spelling-'))
  await writeFile(join(directory, 'GPU.efi'), 'mine')
  await takeSpelling('gpu.efi', spellingMeans({ directory }))
  expect(await readdir(directory)).toEqual(['GPU.efi'])
  await rm(directory, { recursive: true })
})
