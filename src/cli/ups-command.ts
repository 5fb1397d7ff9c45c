import { once } from 'node:events'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NutUps } from '../adapters/nut/ups.ts'
import { Option } from 'commander'
import { readingAnswerOf } from '../core/power/answers.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import { renderSeen, renderUps, renderWatch, type Seen, type UpsShown } from './render-ups.ts'
import { command, duration, exit, loadWhole, type Options, positive, print } from './shell.ts'

/** Timeouts for all details of a UPS, and for one reading, in ms. */
const detailsWithin = 10_000
const readingWithin = 3_000

type Upses = ReadonlyMap<string, NutUps>

/** What upsd reports, asked directly: works without the daemon. */
export function addUpsCommand(): void {
  command(
    'ups [name]',
    'all variables of a UPS, or of all; or its readings over time',
    async (options, [name], extra) => {
      const settings = await loadWhole(options)
      const zone = settings.config.upgrade.shownZone
      const { openUpses } = await import('../main/upses.ts')
      const refused = new Map<string, string>()
      const all = await openUpses(settings, {
        login: (label, why) => void (why !== undefined && refused.set(label, why)),
        plain: (label, why) => void (why !== undefined && process.stderr.write(`caretaker: ${label}: ${why}\n`)),
      })
      try {
        const upses = chosen(all, name, settings.file)
        if (extra['watch']) {
          const pace = { everyMs: Number(extra['every']), count: toCount(extra['count']), zone }
          return await watch(options, upses, pace)
        }
        return await show(options, upses, refused)
      } finally {
        await Promise.all([...all.values()].map((ups) => ups[Symbol.asyncDispose]()))
      }
    },
  )
    .option('--watch', 'draw charge, load and runtime until Ctrl-C')
    .addOption(new Option('--every <duration>', 'interval between readings').argParser(duration).default(1_000, '1s'))
    .option('--count <n>', 'stop after this many readings', positive)
}

const toCount = (given: unknown) => (given === undefined ? Number.POSITIVE_INFINITY : Number(given))

function chosen(all: Upses, name: string | undefined, file: string): Upses {
  if (all.size === 0) throw new AgentError('misconfigured', `${file} has no UPS under upses`)
  if (name === undefined) return all
  const ups = all.get(name)
  if (ups) return new Map([[name, ups]])
  throw new AgentError('misconfigured', `${file} has no UPS ${name}, only ${[...all.keys()].join(', ')}`)
}

/** Shows what it can before it fails: one of several UPSes may be unreachable. */
async function show(options: Options, upses: Upses, refused: ReadonlyMap<string, string>): Promise<number> {
  const asked = await Promise.all(
    [...upses].map(async ([label, ups]): Promise<UpsShown | { label: string; error: AgentError }> => {
      try {
        const details = await ups.details(AbortSignal.timeout(detailsWithin))
        return { label, details, secure: ups.secure }
      } catch (error) {
        if (upses.size === 1 || !(error instanceof AgentError)) throw error
        return { label, error }
      }
    }),
  )
  const answers = asked.map((told) => ({
    name: told.label,
    ...('details' in told ? { ...told.details, secure: told.secure } : { error: told.error.message }),
    login: refused.get(told.label),
  }))
  const text = asked.map((told) =>
    'details' in told ? renderUps(told) : `${'ups'.padEnd(12)}${told.label}\n${told.error.message}`,
  )
  await print(options, upses.size === 1 ? answers[0] : answers, text.join('\n\n'))
  for (const why of refused.values()) process.stderr.write(`caretaker: ${why}\n`)
  const failures = asked.flatMap((told) => ('error' in told ? [told.error] : []))
  if (failures.some(({ code }) => code !== 'unreachable') || refused.size > 0) return exit.failed
  return failures.length > 0 ? exit.unreachable : exit.ok
}

interface Pace {
  readonly everyMs: number
  readonly count: number
  readonly zone: string
}

/** Reads until Ctrl-C, or `count` times. Exits with 0 even if a UPS does not respond: that has been shown. */
async function watch(options: Options, upses: Upses, { everyMs, count, zone }: Pace): Promise<number> {
  const stop = new AbortController()
  const { stdout } = process
  const ended = ['SIGINT', 'SIGTERM'].map((signal) => once(process, signal, { signal: stop.signal }))
  const interrupted = Promise.race(ended).then(
    () => stop.abort(),
    () => {},
  )
  // `caretaker ups --watch | head` closes the pipe early.
  stdout.once('error', () => stop.abort())
  const isDrawn = stdout.isTTY && !options.json
  const seen = new Map<string, Seen[]>([...upses.keys()].map((label) => [label, []]))
  // A primary must not wait for a client that only reads.
  for (const ups of upses.values()) await ups.logOut(stop.signal)
  const terminal = createTerminal((text) => void stdout.write(text))
  if (isDrawn) terminal.begin()
  try {
    for (let reading = 0; reading < count && !stop.signal.aborted; reading++) {
      if (reading > 0) await sleep(everyMs, undefined, { signal: stop.signal }).catch(() => {})
      if (stop.signal.aborted) break
      const news = await Promise.all(
        [...upses].map(async ([label, ups]) => [label, await observe(ups, stop.signal)] as const),
      )
      if (stop.signal.aborted) break
      for (const [label, each] of news) {
        const history = seen.get(label)!
        history.push(each)
        // Enough for the widest terminal.
        if (history.length > 1_000) history.shift()
        if (options.json) stdout.write(`${JSON.stringify(answerOf(label, each))}\n`)
        else if (!isDrawn) stdout.write(`${renderSeen(label, each, zone)}\n`)
      }
      if (isDrawn) {
        const pictures = [...seen].map(([label, history]) => renderWatch(label, history, stdout.columns))
        terminal.frame(pictures.join('\n\n'), stdout.rows)
      }
    }
  } finally {
    if (isDrawn) terminal.end()
    stop.abort()
    await interrupted
  }
  return exit.ok
}

function answerOf(name: string, seen: Seen) {
  const at = new Date(seen.at).toISOString()
  return 'why' in seen ? { name, at, why: seen.why } : { name, at, reading: readingAnswerOf(seen.reading) }
}

async function observe(ups: NutUps, signal: AbortSignal): Promise<Seen> {
  try {
    const reading = await ups.read(AbortSignal.any([signal, AbortSignal.timeout(readingWithin)]))
    return { at: Date.now(), reading }
  } catch (error) {
    return { at: Date.now(), why: messageOf(error) }
  }
}

/** Over the frame before, line by line, so that nothing flickers (ECMA-48; xterm's modes 7 and 25). */
function createTerminal(write: (text: string) => void) {
  let drawn = 0
  return {
    // Without wrapping, so that a line is a line; without the cursor.
    begin: () => write('\u001b[?7l\u001b[?25l'),
    frame: (text: string, rows: number) => {
      const lines = text.split('\n').slice(0, Math.max(1, rows - 1))
      const up = drawn === 0 ? '' : `\u001b[${drawn}A`
      write(`${up}\r${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`)
      drawn = lines.length
    },
    end: () => write('\u001b[?7h\u001b[?25h'),
  }
}
