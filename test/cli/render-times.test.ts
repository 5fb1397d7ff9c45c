import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { renderJournal } from '../../src/cli/render.ts'
import { renderOutages } from '../../src/cli/render-power.ts'

const zone = 'Europe/Warsaw'

test('the journal shows local times with their zone, to the second', () => {
  const entry = {
    id: 1,
    at: '2026-11-26T23:30:05.123Z',
    kind: 'power',
    subject: 'rack',
    text: 'rack is on battery',
  } as const
  expect(stripVTControlCharacters(renderJournal([entry], zone))).toBe(
    '2026-11-27 00:30:05 CET  power  rack is on battery',
  )
})

test('so does the history of outages, and its columns are of the same zone', () => {
  const text = stripVTControlCharacters(
    renderOutages(
      [
        {
          startedAt: '2026-07-04T12:00:00.000Z',
          reason: 'low-battery',
          stage: 'stopping',
          nodes: {
            'w-1': {
              wasUp: true,
              state: 'off',
              at: { 'shutdown-sent': '2026-07-04T12:00:10.000Z', off: '2026-07-04T12:01:00.000Z' },
            },
          },
        },
      ],
      zone,
    ),
  )
  expect(text).toMatch(/^2026-07-04 14:00:00 CEST {2}because /)
  expect(text).toMatch(/w-1 +off +14:00:10 +14:01:00/)
})
