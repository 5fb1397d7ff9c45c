import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { readingAnswerOf } from '../core/power/answers.ts'
import { AgentError } from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import { createFrames } from './frames.ts'
import { createInterruption } from './interruption.ts'
import { renderSeen, renderUps, renderWatch, type Seen, type UpsShown } from './render-ups.ts'
import { output } from './output.ts'
import { serverOf } from './server.ts'
import { exit, loadWhole, type Options, print, reachOf, shownOf, zoneOf } from './shell.ts'
import { facts, paragraphs } from './table.ts'
import type { UpsSource } from './ups-source.ts'

async function open(options: Options, name: string | undefined): Promise<UpsSource> {
  const { upsesAt, upsesHere } = await import('./ups-source.ts')
  if (serverOf(options) !== undefined) return upsesAt(await reachOf(options), name)
  return upsesHere(await loadWhole(options), name, (text) => output.note(`caretaker: ${text}`))
}

/** Shows what it can before it fails: one of several UPSes may be unreachable. */
export async function showUpses(options: Options, name: string | undefined): Promise<number> {
  await using upses = await open(options, name)
  const { labels, refused, details } = upses
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
}

/** Reads until Ctrl-C, or `count` times. Exits with 0 even if a UPS does not respond: that has been shown. */
export async function watchUpses(
  options: Options,
  name: string | undefined,
  { everyMs, count }: Pace,
): Promise<number> {
  await using upses = await open(options, name)
  const zone = await zoneOf(options)
  using stop = createInterruption()
  const { stdout } = process
  const isDrawn = stdout.isTTY && !options.json
  const seen = new Map<string, Seen[]>(upses.labels.map((label) => [label, []]))
  await upses.prepare(stop.signal)
  using frames = isDrawn ? createFrames() : undefined
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
    frames?.draw([...seen].map(([label, history]) => renderWatch(label, history, stdout.columns)).join('\n\n'))
  }
  return exit.ok
}

function answerOf(name: string, seen: Seen) {
  const at = new Date(seen.at).toISOString()
  return 'why' in seen ? { name, at, why: seen.why } : { name, at, reading: readingAnswerOf(seen.reading) }
}
