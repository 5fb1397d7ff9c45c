/** `Promise.all` over a list, with at most `most` under way at a time. The results are in the list's order. */
export async function eachAtOnce<T, R>(most: number, list: readonly T[], action: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const work = async () => {
    for (let index = next++; index < list.length; index = next++) results[index] = await action(list[index]!)
  }
  await Promise.all(Array.from({ length: Math.min(most, list.length) }, work))
  return results
}
