import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createSecret, replaceFile, writeSecret } from '../../src/main/replace-file.ts'
import { recordDisk } from '../lab/disk-recorder.ts'
import { unprivileged } from '../lab/unprivileged.ts'

let directory: string
let file: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'caretaker-replace-'))
  file = join(directory, 'talosconfig')
  await writeFile(file, 'old')
})
afterEach(async () => {
  await chmod(directory, 0o755)
  await rm(directory, { recursive: true })
})
const modeOf = async (path: string) => (await stat(path)).mode & 0o777

describe('a file of the user’s', () => {
  test.each([0o600, 0o640, 0o644, 0o666])('is replaced with the mode that it had: %o', async (mode) => {
    await chmod(file, mode)
    expect(await replaceFile(file, 'old', 'new')).toEqual({ done: true })
    expect([await readFile(file, 'utf8'), await modeOf(file)]).toEqual(['new', mode])
    expect(await readdir(directory)).toEqual(['talosconfig'])
  })

  test.skipIf(process.getuid?.() !== 0)('keeps its owner', async () => {
    await chown(file, 1_234, 2_345)
    await replaceFile(file, 'old', 'new')
    expect(await stat(file)).toMatchObject({ uid: 1_234, gid: 2_345 })
  })

  test('is replaced where its link leads, and the link stays', async () => {
    await mkdir(join(directory, 'real'))
    const target = join(directory, 'real', 'config')
    await writeFile(target, 'old')
    const link = join(directory, 'link')
    await symlink(target, link)
    expect(await replaceFile(link, 'old', 'new')).toEqual({ done: true })
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
    expect(await readFile(target, 'utf8')).toBe('new')
  })

  test('is left alone when somebody has changed it meanwhile', async () => {
    await writeFile(file, 'theirs')
    expect(await replaceFile(file, 'old', 'new')).toEqual({
      done: false,
      changed: true,
      why: `${file} was changed in the meantime`,
    })
    expect(await readFile(file, 'utf8')).toBe('theirs')
    expect(await readdir(directory)).toEqual(['talosconfig'])
  })

  test('in a directory that can’t be written to is left alone, and that is said', async () => {
    await chmod(directory, 0o555)
    const replaced = await unprivileged(() => replaceFile(file, 'old', 'new'))
    expect(replaced).toEqual({ done: false, changed: false, why: expect.stringContaining('permission denied') })
    expect(await readFile(file, 'utf8')).toBe('old')
  })

  test.each([0o444, 0o400])('that is read-only (%o) is left alone, whoever we are', async (mode) => {
    await chmod(file, mode)
    expect(await replaceFile(file, 'old', 'new')).toMatchObject({ done: false, why: `${file} is read-only` })
    expect(await readFile(file, 'utf8')).toBe('old')
  })

  test('that is gone is not made anew', async () => {
    await rm(file)
    expect(await replaceFile(file, 'old', 'new')).toMatchObject({
      done: false,
      why: expect.stringContaining('does not exist'),
    })
    expect(await readdir(directory)).toEqual([])
  })
})

test('what is kept of our own is for nobody else to read', async () => {
  const copy = join(directory, 'state', 'credentials', 'talosconfig')
  await writeSecret(copy, 'one')
  await chmod(copy, 0o644)
  await writeSecret(copy, 'two')
  expect([await readFile(copy, 'utf8'), await modeOf(copy), await modeOf(join(copy, '..'))]).toEqual([
    'two',
    0o600,
    0o700,
  ])
  expect(await readdir(join(copy, '..'))).toEqual(['talosconfig'])
})

test('a power cut leaves the old text or the new one, of a user’s file and of a secret of ours', async () => {
  using disk = recordDisk()
  await replaceFile(file, 'old', 'new')
  await writeSecret(join(directory, 'secret'), 'a')
  const named = disk.events.flatMap(({ did, path }) => (did === 'rename' ? [path] : []))
  expect(named).toEqual([file, join(directory, 'secret')])
  expect(disk.namedTooEarly()).toEqual([])
  expect(disk.losableNames()).toEqual([])
})

test('a secret that must not be replaced is written once, for us alone', async () => {
  const keys = join(directory, 'keys')
  await createSecret(join(keys, 'ca.pem'), 'first')
  await createSecret(join(keys, 'ca.pem'), 'second')
  expect(await readFile(join(keys, 'ca.pem'), 'utf8')).toBe('first')
  expect([await modeOf(keys), await modeOf(join(keys, 'ca.pem'))]).toEqual([0o700, 0o600])
  expect(await readdir(keys)).toEqual(['ca.pem'])
})
