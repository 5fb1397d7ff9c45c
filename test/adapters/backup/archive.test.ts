import { execFile } from 'node:child_process'
import { open, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { readBackup, type Source, writeBackup } from '../../../src/adapters/backup/archive.ts'
import { temporaryFolder } from '../../lab/process.ts'

const about = {
  format: 1,
  version: '0.1.0',
  at: '2026-11-01T02:03:04.000Z',
  hasSecrets: false,
  configuration: 'caretaker.yaml',
}
/** Of no size, of one that fills its blocks, and of one that takes several reads. */
const contents: readonly { readonly path: string; readonly data: Buffer }[] = [
  { path: 'empty', data: Buffer.alloc(0) },
  { path: 'caretaker.yaml', data: Buffer.from('schematic: homelab\n') },
  { path: 'blocks', data: Buffer.alloc(1_024, 'x') },
  { path: `${'long/'.repeat(30)}name`, data: Buffer.from('deep') },
  { path: 'large', data: Buffer.alloc(700_001, 'large ') },
]

async function written(folder: string): Promise<string> {
  const sources: Source[] = []
  for (const [index, { path, data }] of contents.entries()) {
    const from = join(folder, `source-${index}`)
    await writeFile(from, data)
    sources.push({ place: 'configuration', path, mode: 0o640, from: index % 2 === 0 ? from : data })
  }
  const file = join(folder, 'caretaker.backup')
  await writeBackup(file, sources, about)
  return file
}

test('what is written is read again, byte for byte, and is for its owner alone', async () => {
  await using folder = await temporaryFolder()
  const file = await written(folder.path)
  const found = new Map<string, Buffer[]>()
  const manifest = await readBackup(file, async (name, data) => {
    const parts = found.get(name) ?? []
    found.set(name, data ? [...parts, Buffer.from(data)] : parts)
  })
  for (const { path, data } of contents)
    expect(Buffer.concat(found.get(`configuration/${path}`)!).equals(data), path).toBe(true)
  expect(manifest).toMatchObject({ ...about, files: contents.map(({ path }) => ({ path, mode: 0o640 })) })
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect((await readdir(folder.path)).filter((name) => name.includes('.part'))).toEqual([])
})

test('tar unpacks it, whatever becomes of Caretaker', async () => {
  await using folder = await temporaryFolder()
  const file = await written(folder.path)
  await promisify(execFile)('tar', ['-xf', file, '-C', folder.path])
  for (const { path, data } of contents)
    expect((await readFile(join(folder.path, 'configuration', path))).equals(data), path).toBe(true)
})

test('a byte that is another one is noticed, wherever it is', async () => {
  await using folder = await temporaryFolder()
  const file = await written(folder.path)
  const whole = await readFile(file)
  // Headers and contents, the list at the end included; what only fills up the last block counts for nothing.
  const end = whole.lastIndexOf('}')
  const places = [0, 100, 124, 148, 156, 257, 345, 600, 1_100, 2_500, ...[...Array(40).keys()].map((n) => end - n * 19)]
  for (const at of places) {
    // What fills up blocks is nobody's.
    if (whole[at] === 0) continue
    const damaged = Buffer.from(whole)
    damaged[at]! ^= 0x15
    await writeFile(file, damaged)
    await expect(readBackup(file), `at ${at}`).rejects.toThrow(/^the backup .*caretaker\.backup: /)
  }
  await writeFile(file, whole)
  await expect(readBackup(file)).resolves.toBeDefined()
})

test('one that was cut short is noticed, and so is what is none', async () => {
  await using folder = await temporaryFolder()
  const file = await written(folder.path)
  const { size } = await stat(file)
  for (const length of [size - 1_600, size - 4_096, 10_000, 1_024, 511, 0]) {
    await truncate(file, length)
    await expect(readBackup(file), `${length} bytes`).rejects.toMatchObject({ code: 'malformed' })
  }
  await writeFile(file, 'not a backup, but long enough to be taken for one '.repeat(50))
  await expect(readBackup(file)).rejects.toMatchObject({ code: 'malformed' })
  await expect(readBackup(join(folder.path, 'none'))).rejects.toMatchObject({ code: 'misconfigured' })
})

test('a file that is missing in it, or was put into it, is noticed', async () => {
  await using folder = await temporaryFolder()
  const file = await written(folder.path)
  const whole = await readFile(file)
  // Without the first file, which is empty: its header alone.
  await writeFile(file, whole.subarray(512))
  await expect(readBackup(file)).rejects.toThrow('files of it are missing')
  await writeFile(file, Buffer.concat([whole.subarray(0, 512), whole]))
  await expect(readBackup(file)).rejects.toMatchObject({ code: 'malformed' })
})

test('it takes the place of an older backup, and of nothing else', async () => {
  await using folder = await temporaryFolder()
  const file = await written(folder.path)
  await writeBackup(file, [], about)
  expect((await readBackup(file)).files).toEqual([])
  const other = join(folder.path, 'other')
  await writeFile(other, 'mine')
  await expect(writeBackup(other, [], about)).rejects.toThrow('exists, and is not a whole backup: name another file')
  expect(await readFile(other, 'utf8')).toBe('mine')
})

test('one that can not be read back is no backup, and leaves nothing behind', async () => {
  await using folder = await temporaryFolder()
  const odd = { ...about, version: 1 as never }
  await expect(writeBackup(join(folder.path, 'caretaker.backup'), [], odd)).rejects.toThrow('version is not a text')
  expect(await readdir(folder.path)).toEqual([])
})

test('a file that grows while it is read is saved as long as it was, and one that shrinks is an error', async () => {
  await using folder = await temporaryFolder()
  const source = join(folder.path, 'log')
  await writeFile(source, Buffer.alloc(300_000, 'a'))
  const file = join(folder.path, 'caretaker.backup')
  await using handle = await open(source, 'r+')
  const writing = writeBackup(file, [{ place: 'state', path: 'log', mode: 0o600, from: source }], about)
  await handle.appendFile('b')
  const { files } = await writing
  expect(files[0]!.bytes).toBeGreaterThanOrEqual(300_000)
})
