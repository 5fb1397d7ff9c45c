import type { Entry } from './journal.ts'
import type { EntryKind } from './entry-kind.ts'

/** Which entries of the journal are wanted; what is not said matters not. */
export interface EntryFilter {
  readonly kind?: EntryKind | undefined
  /** Those that this job has written, or that are about it. */
  readonly job?: string | undefined
  /** Those about this node, or that mention it. */
  readonly node?: string | undefined
  /** ISO 8601: those from then on. */
  readonly since?: string | undefined
}

export function isWanted(entry: Entry, { kind, job, node, since }: EntryFilter): boolean {
  return (
    (kind === undefined || entry.kind === kind) &&
    (job === undefined || entry.job === job || entry.subject === job) &&
    (node === undefined || entry.subject === node || mentions(entry.text, node)) &&
    (since === undefined || Date.parse(entry.at) >= Date.parse(since))
  )
}

/** What a name is made of. */
const partOfName = /[a-z0-9_-]/i

/** Whether a name stands in a text as a whole: `w-1` is not mentioned by `w-10`, and by `w-1.` at the end it is. */
export function mentions(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1)) {
    const [before = ' ', after = ' ', next = ' '] = [text[at - 1], text[at + name.length], text[at + name.length + 1]]
    // A dot goes on with the name only where a letter follows it: `w-1.lan` is another name.
    const goesOn = partOfName.test(after) || (after === '.' && partOfName.test(next))
    if (!partOfName.test(before) && before !== '.' && !goesOn) return true
  }
  return false
}

/** So many are looked at together. */
const together = 500

/**
 * The newest of the entries that are wanted, to be read page by page. It ends where so many together are older than wanted:
 * one alone may have been written while the clock was wrong.
 */
export function newestWanted(
  newest: (limit: number, before?: string) => readonly Entry[],
  keyOf: (entry: Entry) => string,
  filter: EntryFilter,
): (limit: number, before?: string) => readonly Entry[] {
  const { kind, job, node, since } = filter
  if ([kind, job, node, since].every((one) => one === undefined)) return newest
  return (limit, before) => {
    const found: Entry[] = []
    for (let from = before; found.length < limit;) {
      const some = newest(together, from)
      found.push(...some.filter((entry) => isWanted(entry, filter)))
      const isPast = since !== undefined && some.every(({ at }) => Date.parse(at) < Date.parse(since))
      if (some.length < together || isPast) break
      from = keyOf(some.at(-1)!)
    }
    return found.slice(0, limit)
  }
}
