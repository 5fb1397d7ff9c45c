import type { PowerAnswer } from '../../src/core/operator.ts'
import { sleep } from './measure.ts'

/** How often the guard is looked at, in ms. */
const looked = 50

/** A daemon, by its control socket. */
export interface Guarded {
  readonly control: { get<T>(path: string): Promise<T> }
}

/** The times between two readings of the UPS, in ms, until it is over. */
export async function readingGaps({ control }: Guarded, isOver: () => boolean): Promise<number[]> {
  const gaps: number[] = []
  let last: number | undefined
  for (; !isOver(); await sleep(looked)) {
    const { lastHeardAt } = (await control.get<PowerAnswer>('/power')).upses[0]!.state
    const at = Date.parse(lastHeardAt ?? '')
    // It is counted back from now, and may be a millisecond off.
    if (last !== undefined && at - last > 5) gaps.push(at - last)
    last = at
  }
  return gaps
}
