import type { Activity } from '../core/activity.ts'
import { createClient } from '../http/client.ts'
import type { Reach } from '../http/reach.ts'
import { printableDeep } from '../core/printable.ts'
import { output } from './output.ts'
import { createProgressLine, describeProgress, type Mark } from './progress.ts'

/** Between two looks, in ms. */
const looksEvery = 500
/** Where there is no terminal, so often a step that goes on is told again, in ms. */
const toldEvery = 30_000

/**
 * Shows what the daemon carries out for a job while it is waited for: as one line on a terminal, with rate and time left;
 * elsewhere a line for each step, and again from time to time. What can't be asked is not shown.
 */
export function followWork(reach: Reach, job: string | undefined): Disposable {
  const client = createClient(reach)
  const line = createProgressLine({ isWanted: true })
  const began = new Map<string, Mark>()
  let told = { text: '', at: 0 }
  let isOver = false

  function show(activities: readonly Activity[]): void {
    const now = Date.now()
    const texts = activities.map((activity) => {
      const { step, progress } = activity
      if (progress && !began.has(step)) began.set(step, { at: now, doneBytes: progress.doneBytes })
      return describeProgress(activity, began.get(step), now)
    })
    if (texts.length === 0) return
    if (line.isDrawn) return line.show(texts.join('; '))
    const steps = activities.map(({ step }) => step).join('; ')
    if (steps === told.text && now - told.at < toldEvery) return
    told = { text: steps, at: now }
    output.note(`caretaker: ${texts.join('; ')}`)
  }

  async function look(): Promise<void> {
    const all = await (await client.activities.$get()).json()
    if (!isOver) show(printableDeep(all.filter((one) => job === undefined || one.job === job)))
  }
  const timer = setInterval(() => void look().catch(() => {}), looksEvery)
  return {
    [Symbol.dispose]: () => {
      isOver = true
      clearInterval(timer)
      line[Symbol.dispose]()
    },
  }
}
