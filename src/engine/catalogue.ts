import { readdir } from 'node:fs/promises'
import { AgentError } from '../core/errors.ts'
import type { Job } from '../operations/job.ts'

/** Loads every file of jobs/, so that adding a job is adding a file. Sources end in .ts, a built package's in .js. */
export async function loadJobs(directory: URL): Promise<readonly Job[]> {
  const files = (await readdir(directory)).filter((file) => /\.(ts|js)$/.test(file) && !file.endsWith('.d.ts')).sort()
  return Promise.all(files.map((file) => loadJob(file, directory)))
}

async function loadJob(file: string, directory: URL): Promise<Job> {
  const { default: job } = (await import(new URL(file, directory).href)) as { default?: Job }
  const expected = file.replace(/\.(ts|js)$/, '')
  if (job?.name !== expected) {
    throw new AgentError('misconfigured', `jobs/${file} must export default a job named '${expected}'`)
  }
  return job
}
