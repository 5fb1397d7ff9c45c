/**
 * `allEnded` over a list, with at most `most` under way at a time. The results are in the list's order. With `pause`
 * each but the first begins only after one more pause, so that they do not all need the processor in the same moment.
 */
export async function eachAtOnce<T, R>(
  most: number,
  list: readonly T[],
  action: (one: T) => Promise<R>,
  pause?: () => Promise<void>,
): Promise<R[]> {
  const results: R[] = []
  let next = 0
  let turn = Promise.resolve()
  const work = async () => {
    for (let index = next++; index < list.length; index = next++) {
      if (pause && index > 0) await (turn = turn.then(pause))
      results[index] = await action(list[index]!)
    }
  }
  await allEnded(Array.from({ length: Math.min(most, list.length) }, work))
  return results
}

/**
 * `Promise.all` of what changes something: it ends when all have ended, with the first failure where there is one. Otherwise the
 * rest would go on after its run is over, while others change the same things.
 */
export async function allEnded<T>(all: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(all)
  return Promise.all(all)
}

/** Runs one piece of work after another, in the order in which they come. One that fails keeps no other back. */
export function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const own = last.then(work)
    last = own.catch(() => {})
    return own
  }
}
