import type { Entry } from '../core/journal.ts'
import type { EntryFilter } from '../core/journal-filter.ts'
import { askOr, type Options } from './shell.ts'

/** The newest entries that are wanted, the oldest of them first; from the disk where no daemon runs. */
export async function readWanted(options: Options, limit: number, filter: EntryFilter): Promise<readonly Entry[]> {
  const query = { limit: String(limit), ...filter }
  const newestFirst = await askOr(
    options,
    (daemon) => daemon.journal.$get({ query }),
    async (settings) => ({ items: (await import('./direct.ts')).readEntries(settings, limit, filter) }),
  )
  return newestFirst.items.toReversed()
}
