// Stages releases as the daemon does, in a process of its own: `staging-process.ts URL DIRECTORY`. Each message is a
// release; the answer is how long it took, in ms. Asked for nothing, it answers with what it and its processes hold.
import { readFileSync } from 'node:fs'
import { createFactory } from '../../src/adapters/factory/factory.ts'
import { createApartShare } from '../../src/adapters/share/apart/apart.ts'
import { startShareProcess } from '../../src/main/share-process.ts'
import { bootName, orderOf } from '../adapters/share/lab.ts'

const [, , url = '', directory = ''] = process.argv
const pids: number[] = []
const start = () => {
  const child = startShareProcess(directory)
  if (child.pid !== undefined) pids.push(child.pid)
  return child
}
const share = createApartShare({ directory, start, schematicOf: () => undefined })
const factory = createFactory(url)
const never = new AbortController().signal

/** In KiB: the most that a process has held, and what it holds now. */
function memoryOf(pid: number | 'self') {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string) => Number(new RegExp(`${name}:\\s*(\\d+)`).exec(status)?.[1])
  return { peak: field('VmHWM'), now: field('VmRSS') }
}

/** The most that any process for one download has held, seen while it lived. */
let childPeak = 0
setInterval(() => {
  for (const pid of pids) {
    try {
      childPeak = Math.max(childPeak, memoryOf(pid).peak)
    } catch {
      // It has ended.
    }
  }
}, 50).unref()

process.on('message', (version: string | null) => {
  void (async () => {
    if (version === null) {
      process.send!({ own: memoryOf('self'), childPeak })
      return
    }
    const began = performance.now()
    await share.stage(orderOf(version), factory, never)
    await share.publish(bootName, orderOf(version), never)
    process.send!(performance.now() - began)
  })()
})
await share.staged()
process.send!('ready')
