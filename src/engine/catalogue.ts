import { readdir } from 'node:fs/promises'
import { AgentError } from '../core/errors.ts'

interface Named {
  readonly name: string
}

/** Loads every file of jobs/, so that adding a job is adding a file. Sources end in .ts, a built package's in .js. */
export async function loadJobs<Job extends Named>(directory: URL): Promise<readonly Job[]> {
  const files = (await readdir(directory)).filter((file) => /\.(ts|js)$/.test(file) && !file.endsWith('.d.ts')).sort()
  return Promise.all(
    files.map((file) =>
      load<Job>(new URL(file, directory), `jobs/${file} must export default a job named`, nameOf(file)),
    ),
  )
}

/** Loads `service.ts` of every folder, so that adding a service is adding a folder; in the order of the alphabet. */
export async function loadServices<Service extends Named>(directory: URL): Promise<readonly Service[]> {
  const entries = await readdir(directory, { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  return Promise.all(
    folders.sort().map(async (folder) => {
      const rule = `services/${folder}/service.ts must export default a service named`
      const file = await findEntry(new URL(`${folder}/`, directory))
      if (file === undefined) throw new AgentError('misconfigured', `${rule} '${folder}'`)
      return load<Service>(file, rule, folder)
    }),
  )
}

async function findEntry(folder: URL): Promise<URL | undefined> {
  const files = await readdir(folder)
  const entry = ['service.ts', 'service.js'].find((name) => files.includes(name))
  return entry === undefined ? undefined : new URL(entry, folder)
}

async function load<T extends Named>(file: URL, rule: string, name: string): Promise<T> {
  const { default: found } = (await import(file.href)) as { default?: T }
  if (found?.name !== name) throw new AgentError('misconfigured', `${rule} '${name}'`)
  return found
}

function nameOf(file: string): string {
  return file.replace(/\.(ts|js)$/, '')
}
