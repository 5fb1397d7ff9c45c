// Stages releases as the daemon does, in a process of its own: `staging-process.ts URL DIRECTORY ENTRY`, where ENTRY is the
// program that works on the share. Each message is an order; the answer is how long it took, in ms, or what is held.
import { readFileSync } from 'node:fs'
import { createFactory } from '../../src/adapters/factory/factory.ts'
import { createApartShare } from '../../src/adapters/share/apart/apart.ts'
import { startShareProcess } from '../../src/main/share-process.ts'
import { bootName, orderOf } from '../adapters/share/lab.ts'

export type StagingOrder =
  /** Brings a release onto the share, and publishes it. */
  | { readonly stage: string }
  /** Hashes a release again, and what its name serves. */
  | { readonly verify: string }
  | 'memory'

/** In KiB. */
export interface HeldMemory {
  /** What this process holds now, and the most that it has held. */
  readonly own: { readonly peak: number; readonly now: number }
  /** The most that a process for the share has held. */
  readonly childPeak: number
  /** The most that all of them have held together, each page once; and what this process holds of that now. */
  readonly together: { readonly peak: number; readonly now: number }
}

const [, , url = '', directory = '', entry = ''] = process.argv
const pids: number[] = []
const start = () => {
  const child = startShareProcess(directory, entry)
  if (child.pid !== undefined) pids.push(child.pid)
  return child
}
const share = createApartShare({ directory, start, schematicOf: () => undefined })
const factory = createFactory(url)
const never = new AbortController().signal

/** A field of a file in /proc, in KiB; nothing where the process has ended, also where nobody has noticed yet. */
function fieldOf(pid: number, file: 'status' | 'smaps_rollup', name: string): number {
  try {
    const text = readFileSync(`/proc/${pid}/${file}`, 'utf8')
    return Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? 0)
  } catch {
    return 0
  }
}

let childPeak = 0
let togetherPeak = 0
/** What of its pages a process shares with others counts in part, so that all of them are counted once. */
const shareOf = (pid: number) => fieldOf(pid, 'smaps_rollup', 'Pss')
setInterval(() => {
  childPeak = Math.max(childPeak, ...pids.map((pid) => fieldOf(pid, 'status', 'VmHWM')))
  togetherPeak = Math.max(
    togetherPeak,
    [process.pid, ...pids].reduce((sum, pid) => sum + shareOf(pid), 0),
  )
}, 50).unref()

async function carryOut(order: StagingOrder): Promise<number | HeldMemory> {
  if (order === 'memory') {
    const own = { peak: fieldOf(process.pid, 'status', 'VmHWM'), now: fieldOf(process.pid, 'status', 'VmRSS') }
    return { own, childPeak, together: { peak: togetherPeak, now: shareOf(process.pid) } }
  }
  const began = performance.now()
  if ('stage' in order) {
    await share.stage(orderOf(order.stage), factory, never)
    await share.publish(bootName, orderOf(order.stage), never)
  } else {
    const parts = await share.verify(orderOf(order.verify), never)
    const fault = parts.find((part) => part.fault !== undefined)?.fault
    if (parts.length < 2 || fault !== undefined) throw new Error(`it is not verified: ${fault ?? 'it has no name'}`)
  }
  return performance.now() - began
}

process.on('message', (order: StagingOrder) => void carryOut(order).then((answer) => process.send!(answer)))
await share.staged()
process.send!('ready')
