import process from 'node:process'
import type { Activity } from '../core/activity.ts'
import { describeDuration } from '../core/duration.ts'
import { output } from './output.ts'
import { canDraw } from './table.ts'
import { widthOf, widthOfLetter } from './width.ts'

/** One line beside the answer that is drawn over while long work goes on, and wiped at its end. */
export interface ProgressLine extends Disposable {
  /** Whether there is a terminal to draw it on. */
  readonly isDrawn: boolean
  /** Clean text. */
  show(text: string): void
}

const wipe = '\r\u001b[K'

export function createProgressLine({ isWanted }: { readonly isWanted: boolean }): ProgressLine {
  const { stderr, env } = process
  const isDrawn = isWanted && stderr.isTTY && canDraw(env)
  let isThere = false
  return {
    isDrawn,
    show: (text) => {
      if (!isDrawn) return
      output.progress(`${wipe}${fit(text, (stderr.columns || 80) - 1)}`)
      isThere = true
    },
    [Symbol.dispose]: () => {
      if (isThere) output.progress(wipe)
      isThere = false
    },
  }
}

/** On one line: what is too much is left out. */
function fit(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let line = ''
  let taken = 0
  for (const letter of text) {
    taken += widthOfLetter(letter)
    if (taken >= width) break
    line += letter
  }
  return `${line}…`
}

/** How far a download was, and when: for its rate. */
export interface Mark {
  readonly at: number
  readonly doneBytes: number
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)

/**
 * What is under way as one line: `stage v1.13.9: 42.0 of 105.0 MB, 5.2 MB/s, 12 s left`.
 *
 * @param began where the download was when it was first seen; without it there is no rate yet
 * @param now ms since the epoch
 */
export function describeProgress(
  { step, since, hint, progress }: Activity,
  began: Mark | undefined,
  now: number,
): string {
  if (!progress)
    return `${step} for ${describeDuration(now - Date.parse(since))}${hint === undefined ? '' : `: ${hint}`}`
  const { doneBytes, totalBytes } = progress
  const size =
    totalBytes === undefined ? `${megabytes(doneBytes)} MB` : `${megabytes(doneBytes)} of ${megabytes(totalBytes)} MB`
  const lasted = began === undefined ? 0 : now - began.at
  const rate = began === undefined || lasted < 500 ? 0 : (doneBytes - began.doneBytes) / lasted
  const left =
    totalBytes === undefined || rate === 0 ? [] : [`${describeDuration((totalBytes - doneBytes) / rate)} left`]
  return `${step}: ${[size, ...(rate === 0 ? [] : [`${(rate / 1e3).toFixed(1)} MB/s`]), ...left].join(', ')}`
}
