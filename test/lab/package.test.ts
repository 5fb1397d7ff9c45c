import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sharedFolder } from './package.ts'
import { temporaryFolder } from './process.ts'

test('those who ask for the package at once get the same one, which is built once and shown when it is whole', async () => {
  await using folder = await temporaryFolder()
  let built = 0
  const begun = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const layOut = async (directory: string) => {
    built++
    await mkdir(join(directory, 'bin'))
    begun.resolve()
    await goOn.promise
    await writeFile(join(directory, 'bin', 'caretaker.mjs'), 'whole')
  }
  const asked = Array.from({ length: 4 }, () => sharedFolder(folder.path, layOut))
  await begun.promise
  expect(await Promise.race([...asked, Promise.resolve('nobody has it yet')])).toBe('nobody has it yet')
  goOn.resolve()
  const places = await Promise.all([...asked, sharedFolder(folder.path, layOut)])
  expect(new Set(places)).toEqual(new Set([join(folder.path, 'made')]))
  expect(await readFile(join(folder.path, 'made', 'bin', 'caretaker.mjs'), 'utf8')).toBe('whole')
  expect(built).toBe(1)
})

test('a package that can’t be built is an error to everybody who asks for it', async () => {
  await using folder = await temporaryFolder()
  const layOut = () => Promise.reject(new Error('an import is not found'))
  const asked = await Promise.allSettled([1, 2].map(() => sharedFolder(folder.path, layOut)))
  for (const answer of asked)
    expect(answer).toMatchObject({
      reason: expect.objectContaining({ message: expect.stringMatching('an import is not found') }),
    })
})
