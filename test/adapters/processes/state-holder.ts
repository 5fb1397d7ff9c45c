import { lockState } from '../../../src/adapters/journal/lock.ts'
import { messageOf } from '../../../src/core/errors.ts'

// Takes a state directory and keeps it until it is killed, or says why it can't.
const [directory = ''] = process.argv.slice(2)
try {
  const held = lockState(directory)
  process.stdout.write('held\n')
  setInterval(() => held, 60_000)
} catch (error) {
  process.stdout.write(`refused: ${messageOf(error)}\n`)
}
