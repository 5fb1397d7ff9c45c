import { once } from 'node:events'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Option } from 'commander'
import { readingAnswerOf } from '../core/power/answers.ts'
import { AgentError } from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import { renderSeen, renderUps, renderWatch, type Seen, type UpsShown } from './render-ups.ts'
import { output } from './output.ts'
import { serverOf } from './server.ts'
import { facts, paragraphs } from './table.ts'
import { command, duration, exit, loadWhole, type Options, positive, print, reachOf, shownOf, zoneOf } from './shell.ts'
import type { UpsSource } from './ups-source.ts'

/** What upsd reports, asked from here, which works without the daemon; with `--server` the daemon there asks. */
export function addUpsCommand(): void {
  command(
    'ups [name]',
    'all variables of a UPS, or of all; or its readings over time',
    async (options, [name], extra) => {
      await using upses = await open(options, name)
      if (!extra['watch']) return show(options, upses)
      return watch(options, upses, {
        everyMs: Number(extra['every']),
        count: toCount(extra['count']),
        zone: await zoneOf(options),
      })
    },
  )
    .option('--watch', 'draw charge, load and runtime until Ctrl-C')
    .addOption(new Option('--every <duration>', 'interval between readings').argParser(duration).default(1_000, '1s'))
    .option('--count <n>', 'stop after this many readings', positive)
}

async function open(options: Options, name: string | undefined): Promise<UpsSource> {
  const { upsesAt, upsesHere } = await import('./ups-source.ts')
  if (serverOf(options) !== undefined) return upsesAt(await reachOf(options), name)
  return upsesHere(await loadWhole(options), name, (text) => output.note(`caretaker: ${text}`))
}

const toCount = (given: unknown) => (given === undefined ? Number.POSITIVE_INFINITY : Number(given))

/** Shows what it can before it fails: one of several UPSes may be unreachable. */
async function show(options: Options, { labels, refused, details }: UpsSource): Promise<number> {
  const asked = await Promise.all(
    labels.map(async (label): Promise<UpsShown | { label: string; error: AgentError }> => {
      try {
        return shownOf(options, { label, details: await details(label) })
      } catch (error) {
        if (labels.length === 1 || !(error instanceof AgentError)) throw error
        return { label, error }
      }
    }),
  )
  const answers = asked.map((told) => ({
    name: told.label,
    ...('details' in told ? { ...told.details } : { error: told.error.message }),
    login: refused.get(told.label),
  }))
  const text = asked.map((told) =>
    'details' in told
      ? renderUps(told)
      : facts([['ups', told.label]], 12) + `\n${paragraphs([printable(told.error.message)])}`,
  )
  await print(options, labels.length === 1 ? answers[0] : answers, text.join('\n\n'))
  for (const why of refused.values()) output.note(`caretaker: ${why}`)
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
async function watch(options: Options, upses: UpsSource, { everyMs, count, zone }: Pace): Promise<number> {
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
  const seen = new Map<string, Seen[]>(upses.labels.map((label) => [label, []]))
  await upses.prepare(stop.signal)
  const terminal = createTerminal(output.frame)
  if (isDrawn) terminal.begin()
  try {
    for (let reading = 0; reading < count && !stop.signal.aborted; reading++) {
      if (reading > 0) await sleep(everyMs, undefined, { signal: stop.signal }).catch(() => {})
      if (stop.signal.aborted) break
      const news = await upses.observe(stop.signal)
      if (stop.signal.aborted) break
      for (const [label, told] of news) {
        const each = shownOf(options, told)
        const history = seen.get(label)!
        history.push(each)
        // Enough for the widest terminal.
        if (history.length > 1_000) history.shift()
        if (options.json) output.json(answerOf(label, each))
        else if (!isDrawn) output.drawing(renderSeen(label, each, zone))
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
