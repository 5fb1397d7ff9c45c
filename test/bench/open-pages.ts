import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { waitFor } from '../lab/daemon.ts'
import { type Guarded, readingGaps } from './guard.ts'
import { after, goal, median, say, worst } from './measure.ts'

/** Pages that browsers have open, each on a machine of its own. */
const open = 50
/** How long the guard is watched, in ms. */
const watched = 40_000
/** How much later a UPS may be read than where nobody looks, in ms. */
const allowed = 50

export interface Opened extends Guarded {
  readonly net: number
  readonly port: number
  readonly address: string
}

/**
 * How regularly the daemon reads its UPS, without a page and while many are open, each drawn anew every second: that is as
 * often as a page asks while the power fails.
 */
export async function measureOpenPages(opened: Opened): Promise<void> {
  const alone = await readingGaps(opened, after(watched))
  await using stack = new AsyncDisposableStack()
  const pages = Array.from({ length: open }, (_, index) => openPage(stack, opened, index + 1))
  await waitFor('every page to be drawn', 10_000, () => pages.every(({ drawn }) => drawn > 0))
  const before = pages.reduce((sum, { drawn }) => sum + drawn, 0)
  const followed = await readingGaps(opened, after(watched))
  const drawn = pages.reduce((sum, page) => sum + page.drawn, 0) - before
  const later = worst(followed) - worst(alone)
  say(
    `the guard, ${open} pages open`,
    `reads its UPS every ${median(followed).toFixed(0)} ms, after ${worst(followed).toFixed(0)} at the latest; without them ${median(alone).toFixed(0)}, ${worst(alone).toFixed(0)} ms; ${((1_000 * drawn) / watched).toFixed(0)} pages drawn a second ${goal(`${allowed} ms later`, later <= allowed)}`,
  )
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
