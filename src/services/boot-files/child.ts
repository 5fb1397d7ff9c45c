// Serves files to machines that boot, in a process of its own: a disk or a share that hangs holds its threads and no others,
// and no packet of a stranger costs the guard of the power a moment. It ends with whoever started it.
import process from 'node:process'
import type { ChildMessage, LaterOrder, ServeOrder } from './messages.ts'
import { serve, type Serving } from './serve.ts'

let serving: Promise<Serving> | undefined

process.on('message', (order: ServeOrder | LaterOrder) => {
  if (!('type' in order)) serving ??= serve(order, say)
  else void serving?.then((one) => one.obey(order))
})
process.once('disconnect', () => void leave())

function say(message: ChildMessage): void {
  // Without a reader there is nobody to tell.
  if (process.connected) process.send?.(message, undefined, {}, () => {})
}

/** Clients are told. What a disk holds is not waited for. */
async function leave(): Promise<void> {
  await (await serving)?.[Symbol.asyncDispose]()
  process.exit()
}
