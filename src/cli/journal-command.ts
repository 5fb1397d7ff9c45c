import { InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../core/duration.ts'
import { entryKinds } from '../core/entry-kind.ts'
import type { EntryFilter } from '../core/journal-filter.ts'
import { readWanted } from './read-journal.ts'
import { command, exit, positive, print } from './shell.ts'

const rendering = () => import('./render.ts')

/** What is shown where nobody says how much: so many, or all since then. */
const usually = 50
const mostSince = 10_000

/** The command that reads the journal. */
export function addJournalCommand(): void {
  command('journal', 'the journal, newest last', async (options, _args, extra) => {
    const filter = filterOf(extra)
    const limit = Number(extra['limit'] ?? (filter.since === undefined ? usually : mostSince))
    const entries = await readWanted(options, limit, filter)
    if (extra['follow'] === true) {
      const { followJournal } = await import('./journal-follow.ts')
      return followJournal(options, entries, filter)
    }
    const none = Object.values(filter).some((one) => one !== undefined) ? 'no such entries' : 'no entries yet'
    await print(options, entries, async (zone) =>
      entries.length === 0 ? none : (await rendering()).renderJournal(entries, await zone()),
    )
    return exit.ok
  })
    .option('-n, --limit <count>', `number of entries (default: ${usually}, or all with --since)`, positive)
    .option('--since <time>', 'from then on: 2h ago, or 2026-11-26T21:40:00Z', sinceWhen)
    .addOption(new Option('--kind <kind>', 'only entries of this kind').choices(entryKinds))
    .option('--job <job>', 'only what this job has done')
    .option('--node <node>', 'only what is about this node')
    .option('-f, --follow', 'then show what is written, as it happens, until Ctrl-C')
}

function filterOf(extra: Readonly<Record<string, unknown>>): EntryFilter {
  const textOf = (name: string) => (typeof extra[name] === 'string' ? { [name]: extra[name] } : {})
  const kind = entryKinds.find((one) => one === extra['kind'])
  return { ...(kind === undefined ? {} : { kind }), ...textOf('job'), ...textOf('node'), ...textOf('since') }
}

/** A moment as ISO 8601: so long ago, or the time itself, which names its zone so that nobody has to guess. */
function sinceWhen(text: string): string {
  const ms = parseDuration(text.endsWith(' ago') ? text.slice(0, -4) : text)
  if (ms !== undefined) return new Date(Date.now() - ms).toISOString()
  if (/^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text) && !Number.isNaN(Date.parse(text)))
    return new Date(text).toISOString()
  throw new InvalidArgumentError('use a duration such as 30m, 2h or 7d, or a time such as 2026-11-26T21:40:00Z')
}
