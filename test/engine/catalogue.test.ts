import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import type { Job } from '../../src/operations/job.ts'
import { loadJobs } from '../../src/engine/catalogue.ts'
import { temporaryFolder } from '../lab/process.ts'

const source = (name: string) => `export default { name: '${name}', about: '', triggers: [], runs: 'in-process' }`

async function folderOf(path: string, files: Readonly<Record<string, string>>): Promise<URL> {
  await mkdir(path, { recursive: true })
  await writeFile(join(path, 'package.json'), '{"type":"module"}')
  for (const [file, text] of Object.entries(files)) await writeFile(join(path, file), text)
  return pathToFileURL(`${path}/`)
}

test('every file of the folder is a job of its name, in the order of the alphabet', async () => {
  await using folder = await temporaryFolder()
  const jobs = await folderOf(folder.path, {
    'wake-up.js': source('wake-up'),
    'look.js': source('look'),
    'look.d.ts': 'export {}',
    'look.js.map': '{}',
    'notes.md': '',
  })
  expect((await loadJobs(jobs)).map(({ name }) => name)).toEqual(['look', 'wake-up'])
})

test.each([
  ['calls its job something else', source('other')],
  ['exports none', 'export const job = 1'],
])('a file that %s is refused by its name', async (_, text) => {
  await using folder = await temporaryFolder()
  const jobs = await folderOf(folder.path, { 'look.js': text })
  await expect(loadJobs(jobs)).rejects.toMatchObject({
    code: 'misconfigured',
    message: "jobs/look.js must export default a job named 'look'",
  })
})

test('the jobs of this agent all load, and say what they are about', async () => {
  const jobs = await loadJobs<Job>(new URL('../../jobs/', import.meta.url))
  expect(jobs.map(({ name }) => name)).toEqual(expect.arrayContaining(['shut-down-cluster', 'upgrade-node']))
  for (const { about } of jobs) expect(about).toMatch(/\S/)
})
