import { type ChildProcess, fork } from 'node:child_process'
import { constants, getPriority, setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { AgentError } from '../../core/errors.ts'
import type { Transfer, TransferEvent } from '../../core/netboot/boot-event.ts'
import type { Unserved } from './tally.ts'
import type { Material } from '../../http/certificate.ts'
import type { ChildMessage, LaterOrder, ListenFault, ServeOrder } from './messages.ts'

/** How long it may take to end before it is killed, in ms. */
const endsWithin = 1_000
/** Whoever guards the power goes first where both have work: so much nicer than the daemon, whatever that was started with. */
const nicerBy = 5
/**
 * It has work to do where the daemon mostly waits: its code is compiled, other than the daemon's. Memory is for packets and
 * some chunks of files, which are not on its heap.
 */
const flags = ['--disable-warning=ExperimentalWarning', '--max-old-space-size=64', '--max-semi-space-size=2']

export interface ServingChild extends AsyncDisposable {
  /** Tells it that iPXE is sent on to these. */
  show(images: ServeOrder['images']): void
  /** Has it serve HTTPS with these from now on. */
  renew(tls: Material): void
  /** Rejects when it has ended by itself. */
  readonly ended: Promise<never>
}

export interface ChildTold {
  event(event: TransferEvent): void
  /** The last part of this transfer leaves when this has returned. */
  ending(transfer: Transfer): void
  refusals(unserved: Unserved): void
  failed(text: string): void
}

/** Starts what serves files. Resolves when it serves, or can't listen. @throws AgentError `internal` where it does not start */
export async function startChild(
  program: URL,
  order: ServeOrder,
  told: ChildTold,
): Promise<ServingChild | { readonly fault: ListenFault }> {
  const child = fork(fileURLToPath(program), [], {
    env: {},
    execArgv: flags,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const lastWords = keepTail(child)
  const gone = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? `code ${String(code)}`}${lastWords()}`))
  })
  const answered = new Promise<ListenFault | undefined>((resolve) => {
    child.on('message', (message: ChildMessage) => {
      if (message.type === 'event') told.event(message.event)
      else if (message.type === 'ending') {
        told.ending(message.transfer)
        send(child, { type: 'noted', id: message.transfer.id })
      } else if (message.type === 'refusals') told.refusals(message)
      else if (message.type === 'failed') told.failed(message.text)
      else resolve(message.type === 'refused' ? message.fault : undefined)
    })
  })
  if (child.pid !== undefined) lower(child.pid)
  child.send(order, () => {})
  const died = gone.then((why) => {
    throw new AgentError('internal', `the process that serves boot files has died: ${why}`)
  })
  died.catch(() => {})
  const fault = await Promise.race([answered, died])
  if (fault) {
    await endChild(child, gone)
    return { fault }
  }
  const show = (images: ServeOrder['images']) => send(child, { type: 'images', images })
  const renew = (tls: Material) => send(child, { type: 'certificate', tls })
  return { ended: died, show, renew, [Symbol.asyncDispose]: () => endChild(child, gone) }
}

function send(child: ChildProcess, order: LaterOrder): void {
  if (child.connected) child.send(order, () => {})
}

/** It ends when its channel does, as it would if we were killed. */
async function endChild(child: ChildProcess, gone: Promise<unknown>): Promise<void> {
  if (child.connected) child.disconnect()
  const limit = setTimeout(() => child.kill('SIGKILL'), endsWithin)
  await gone
  clearTimeout(limit)
}

function lower(pid: number): void {
  try {
    setPriority(pid, Math.min(constants.priority.PRIORITY_LOW, getPriority() + nicerBy))
  } catch {
    // It serves all the same.
  }
}

/** What it wrote last, for whoever reads why it died. */
function keepTail(child: ChildProcess): () => string {
  let tail = ''
  child.stderr?.on('data', (bytes: Buffer) => {
    tail = (tail + bytes.toString('latin1')).slice(-500)
  })
  return () => (tail === '' ? '' : `; it says: ${tail.trim().split('\n').slice(-2).join(' / ')}`)
}
