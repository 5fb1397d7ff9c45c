/** What is wanted of a list whose newest is first. */
export interface PageRequest {
  /** So many at most. */
  readonly limit: number
  /** Only what comes after the page that answered this as its `next`. */
  readonly before?: string | undefined
}

/** A part of a list whose newest is first. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Where the next page begins; absent where there is none. */
  readonly next?: string
}

/** @param newest so many with a key below the given one, the greatest key first */
export function readPage<T>(
  newest: (limit: number, before?: string) => readonly T[],
  keyOf: (one: T) => string,
  { limit, before }: PageRequest,
): Page<T> {
  // One more than is wanted tells whether there is a next page.
  const found = newest(limit + 1, before)
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return found.length > limit && last !== undefined ? { items, next: keyOf(last) } : { items }
}
