import { lockState } from '../../../src/adapters/journal/lock.ts'
import { messageOf } from '../../../src/core/errors.ts'

// Takes a state directory and keeps it until it is killed, or says why it can't.
const [directory = ''] = process.argv.slice(2)
try {
  lockState(directory)
  // It is held although nobody refers to it any more.
  globalThis.gc?.()
  process.stdout.write('held\n')
  setInterval(() => {}, 60_000)
} catch (error) {
  process.stdout.write(`refused: ${messageOf(error)}\n`)
}
