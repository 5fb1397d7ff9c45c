import { Worker } from 'node:worker_threads'
import { pathIn } from './database.ts'

/** A check that has not ended by then is given up, in ms. */
const endsWithin = 10 * 60_000

/** As text, because the package is one file: nothing of ours lies beside it. */
const program = `
const { parentPort, workerData } = require('node:worker_threads')
const { DatabaseSync } = require('node:sqlite')
let fault
try {
  const database = new DatabaseSync(workerData, { readOnly: true, timeout: 5000 })
  const rows = database.prepare('PRAGMA integrity_check(3)').all()
  database.close()
  const faults = rows.map((row) => Object.values(row)[0]).filter((text) => text !== 'ok')
  if (faults.length > 0) fault = faults.join('; ')
} catch (error) {
  // Only what is said of the content: a lock or a permission is no damage.
  if ([11, 26].includes((error.errcode ?? 0) & 0xff) || [266, 522].includes(error.errcode)) fault = error.message
}
parentPort.postMessage(fault)
`

/**
 * Reads every page of the journal in a thread of its own (https://sqlite.org/pragma.html#pragma_integrity_check), because
 * on a slow card that takes its time. Resolves to what is wrong with it; to undefined where nothing is, or no one can tell.
 */
export function checkIntegrity(directory: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const worker = new Worker(program, {
      eval: true,
      workerData: pathIn(directory),
      execArgv: ['--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxOldGenerationSizeMb: 32 },
    })
    worker.unref()
    const limit = setTimeout(() => void worker.terminate(), endsWithin).unref()
    const end = (fault: unknown) => {
      clearTimeout(limit)
      resolve(typeof fault === 'string' ? fault.replaceAll(/\s+/g, ' ') : undefined)
    }
    worker.once('message', end)
    worker.once('error', () => end(undefined))
    worker.once('exit', () => end(undefined))
  })
}
