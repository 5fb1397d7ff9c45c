import type { Everyday } from './everyday.ts'
import { cpuSeconds, residentMb, say, sleep, startBareNode } from './measure.ts'

const seconds = 20

/** Memory and CPU of a daemon that has nothing to do. */
export async function measureIdle({ daemon: { pid } }: Everyday, stack: AsyncDisposableStack): Promise<void> {
  const bare = startBareNode(stack)
  const before = await cpuSeconds(pid)
  await sleep(seconds * 1_000)
  const cpu = ((await cpuSeconds(pid)) - before) / seconds
  const [ours, empty] = [await residentMb(pid), await residentMb(bare)]
  say('idle RSS', `${ours.toFixed(0)} MB, bare Node ${empty.toFixed(0)} MB: ${(ours / empty).toFixed(1)} x`)
  say('idle CPU', `${(cpu * 100).toFixed(2)} % of a core (5 nodes, UPS every 5 s)`)
}
