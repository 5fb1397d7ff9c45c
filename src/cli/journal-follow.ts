import type { Entry } from '../core/journal.ts'
import { type EntryFilter, isWanted } from '../core/journal-filter.ts'
import { followLive } from '../http/live-client.ts'
import { createInterruption } from './interruption.ts'
import { output } from './output.ts'
import { readWanted } from './read-journal.ts'
import { renderEntry } from './render.ts'
import { exit, type Options, reachOf, shownOf, zoneOf } from './shell.ts'

/** So much is read again after a connection was away. */
const mostMissed = 10_000

/**
 * Shows these entries and then what is written, until somebody ends it: one a line, as text or as JSON. What was written
 * while the connection was away comes too, also where the daemon was started anew.
 */
export async function followJournal(options: Options, known: readonly Entry[], filter: EntryFilter): Promise<number> {
  using stop = createInterruption()
  const zone = options.json ? 'UTC' : await zoneOf(options)
  let last: Entry | undefined
  const show = (entry: Entry) => {
    last = entry
    const shown = shownOf(options, entry)
    if (options.json) output.json(shown)
    else output.drawing(renderEntry(shown, zone))
  }
  for (const entry of known) show(entry)
  const lost = (why: string) => output.note(`caretaker: ${why}; trying again`)
  for await (const { event, data } of followLive(await reachOf(options), stop.signal, lost)) {
    if (event === 'state') {
      const present = await readWanted(options, mostMissed, filter)
      for (const entry of missedOf(present, last)) show(entry)
    } else if (event === 'journal' && isWanted(data, filter) && missedOf([data], last).length > 0) show(data)
  }
  return exit.ok
}

/**
 * Those after the last that was shown. Where they are numbered anew, because the journal was lost, the time counts.
 *
 * @param present oldest first
 */
export function missedOf(present: readonly Entry[], last: Entry | undefined): readonly Entry[] {
  if (!last) return present
  const isNumberedAnew = present.length > 0 && present.at(-1)!.id < last.id
  return present.filter(({ id, at }) => (isNumberedAnew ? at > last.at : id > last.id))
}
