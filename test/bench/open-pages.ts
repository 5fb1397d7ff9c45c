import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { PowerAnswer } from '../../src/core/operator.ts'
import { waitFor } from '../lab/daemon.ts'
import { goal, median, say, sleep, worst } from './measure.ts'

/** Pages that browsers have open, each on a machine of its own. */
const open = 50
/** How long the guard is watched, and how often it is looked at, in ms. */
const [watched, looked] = [40_000, 50]
/** How much later a UPS may be read than where nobody looks, in ms. */
const allowed = 50

export interface Opened {
  readonly net: number
  readonly port: number
  readonly address: string
  readonly control: { get<T>(path: string): Promise<T> }
}

/**
 * How regularly the daemon reads its UPS, without a page and while many are open, each drawn anew every second: that is as
 * often as a page asks while the power fails.
 */
export async function measureOpenPages(opened: Opened): Promise<void> {
  const alone = await gapsOf(opened)
  await using stack = new AsyncDisposableStack()
  const pages = Array.from({ length: open }, (_, index) => openPage(stack, opened, index + 1))
  await waitFor('every page to be drawn', 10_000, () => pages.every(({ drawn }) => drawn > 0))
  const before = pages.reduce((sum, { drawn }) => sum + drawn, 0)
  const followed = await gapsOf(opened)
  const drawn = pages.reduce((sum, page) => sum + page.drawn, 0) - before
  const later = worst(followed) - worst(alone)
  say(
    `the guard, ${open} pages open`,
    `reads its UPS every ${median(followed).toFixed(0)} ms, after ${worst(followed).toFixed(0)} at the latest; without them ${median(alone).toFixed(0)}, ${worst(alone).toFixed(0)} ms; ${((1_000 * drawn) / watched).toFixed(0)} pages drawn a second ${goal(`${allowed} ms later`, later <= allowed)}`,
  )
}

/** The times between two readings of the UPS, in ms. */
async function gapsOf({ control }: Opened): Promise<number[]> {
  const gaps: number[] = []
  let last: number | undefined
  for (const end = performance.now() + watched; performance.now() < end; await sleep(looked)) {
    const { lastHeardAt } = (await control.get<PowerAnswer>('/power')).upses[0]!.state
    const at = Date.parse(lastHeardAt ?? '')
    // It is counted back from now, and may be a millisecond off.
    if (last !== undefined && at - last > 5) gaps.push(at - last)
    last = at
  }
  return gaps
}

/** A browser's page: it follows what happens, and is drawn again every second. */
function openPage(stack: AsyncDisposableStack, { net, address, port }: Opened, number: number) {
  const page = { drawn: 0 }
  const agent = new Agent({ keepAlive: true })
  stack.defer(() => agent.destroy())
  const stop = new AbortController()
  stack.defer(() => stop.abort())
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const localAddress = `127.${net}.9.${number}`
    const request = get({ host: address, port, path, localAddress, agent, headers, signal: stop.signal })
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    answer.on('error', () => {})
    return answer
  }
  const draw = async () => {
    for (;;) {
      const answer = await ask('/', { 'hx-request': 'true' })
      answer.resume()
      await once(answer, 'end')
      if (answer.statusCode === 200) page.drawn += 1
      await pause(1_000, undefined, { signal: stop.signal })
    }
  }
  // They end with the measuring.
  draw().catch(() => {})
  ask('/api/v1/live').then(
    (answer) => answer.resume(),
    () => {},
  )
  return page
}
