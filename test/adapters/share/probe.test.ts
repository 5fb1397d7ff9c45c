import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeProbe } from '../../../src/adapters/share/probe.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { soon } from '../../patience.ts'

const bytes = Buffer.from('what machines are to read')

test('a probe is there for everybody to read until it is removed', async () => {
  await using folder = await temporaryFolder()
  const { file, remove } = await writeProbe(folder.path, bytes, soon())
  expect(await readFile(join(folder.path, file))).toEqual(bytes)
  expect((await stat(join(folder.path, file))).mode & 0o777).toBe(0o644)
  await remove()
  await remove()
  expect(await readdir(folder.path)).toEqual([])
})

test('a share that is not there, or is a file, is said to be, and nothing is left behind', async () => {
  await using folder = await temporaryFolder()
  await expect(writeProbe(join(folder.path, 'nowhere'), bytes, soon())).rejects.toMatchObject({
    code: 'misconfigured',
    message: expect.stringContaining('is the share mounted?'),
  })
  await writeFile(join(folder.path, 'file'), '')
  await expect(writeProbe(join(folder.path, 'file'), bytes, soon())).rejects.toMatchObject({ code: 'misconfigured' })
  await mkdir(join(folder.path, 'share'))
  await expect(writeProbe(join(folder.path, 'share'), bytes, AbortSignal.abort())).rejects.toMatchObject({
    code: 'unreachable',
  })
  expect(await readdir(join(folder.path, 'share'))).toEqual([])
})

test('what a killed process has left is taken away, and what another one uses is not', async () => {
  await using folder = await temporaryFolder()
  const long = new Date(Date.now() - 3_600_000)
  const [left, used] = ['caretaker-check-0123456789ab', 'caretaker-check-ba9876543210']
  // An image may be called so, too.
  const image = 'caretaker-check-mini.efi'
  for (const name of [left, used, image, 'other']) await writeFile(join(folder.path, name), '')
  for (const name of [left, image, 'other']) await utimes(join(folder.path, name), long, long)
  const { remove } = await writeProbe(folder.path, bytes, soon())
  await remove()
  expect((await readdir(folder.path)).sort()).toEqual([used, image, 'other'])
})
