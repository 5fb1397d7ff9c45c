import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { renderTimeline } from '../../src/cli/render-timeline.ts'
import { widthOf } from '../../src/cli/width.ts'
import type { TimelineRowAnswer } from '../../src/core/power/answers.ts'

const rows: readonly TimelineRowAnswer[] = [
  { phase: 'cordon', fromMs: 0, toMs: 5_000, steps: ['cordon cp-1', 'cordon w-1'], reversible: true },
  { phase: 'shut-down-workers', fromMs: 5_000, toMs: 10_000, steps: ['shut down w-1'], reversible: false },
] as const

test.each([40, 44, 48, 60, 80])('on a terminal of %i columns no line is wider', (width) => {
  const lines = stripVTControlCharacters(renderTimeline(rows, 3_480_000, width)).split('\n')
  expect(lines.filter((line) => widthOf(line) > width)).toEqual([])
})

test('where there is no room for bars, the times are told', () => {
  expect(stripVTControlCharacters(renderTimeline(rows, 3_480_000, 36)).split('\n')).toEqual([
    'cordon: 0 s – 5 s',
    '    cordon cp-1 and 1 more',
    'shut down workers: 5 s – 10 s',
    '    shut down w-1',
    'battery: 58 min',
    "green: can be undone, red: can't",
  ])
})
