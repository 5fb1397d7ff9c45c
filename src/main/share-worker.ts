import process from 'node:process'
import { setImmediate as turn } from 'node:timers/promises'
import { readInput } from '../adapters/share/apart/input.ts'
import { serveShare } from '../adapters/share/apart/serve.ts'
import type { Command } from '../adapters/share/apart/wire.ts'

/** A process that works on a share: started by share-process.ts, and gone with whoever has started it. */
const [, , directory = ''] = process.argv
const parent = process.ppid

const stillWanted = async () => {
  // It may have hung for hours: what has happened meanwhile is heard first.
  await turn()
  await turn()
  if (process.ppid !== parent || !process.connected) process.exit(1)
}

const take = serveShare(directory, {
  send: (reply) => void process.send?.(reply, () => undefined),
  input: readInput(0),
  stillWanted,
})
process.on('message', (command) => take(command as Command))
process.on('disconnect', () => process.exit(1))
