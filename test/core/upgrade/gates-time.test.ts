import { describe, expect, test } from 'vitest'
import { observed, notObserved } from '../../../src/core/cluster/cluster.ts'
import { worker } from '../cluster/nodes.ts'
import { calm, summary } from './rollout.ts'
import { three, decide, at, saturday, upgraded, type Row } from './gated.ts'

const all = [...three(), worker('w-1'), worker('w-2')]
const [hour, minute] = [3_600_000, 60_000]
const now = calm.now.getTime()

describe('the time must be right', () => {
  test.each<Row>([
    {
      name: 'nothing is touched in a blackout, whatever the windows say',
      circumstances: { blackouts: observed([{ from: now - hour, to: now + hour, reason: 'holidays' }]) },
      expected: 'wait: no upgrades now: holidays',
    },
    {
      name: 'one that is over, and one to come, are none',
      circumstances: {
        blackouts: observed([
          { from: now - hour, to: now, reason: 'holidays' },
          { from: now + 1, to: now + hour, reason: 'guests' },
        ]),
      },
      expected: 'go w-1',
    },
    {
      name: 'a calendar that is not known is no permission',
      circumstances: { blackouts: notObserved('holidays.ics is not there') },
      expected: 'wait: the blackout calendar could not be read (holidays.ics is not there)',
    },
    {
      name: 'what nodes have taken here says whether one more fits',
      circumstances: {
        now: at('2026-03-07T04:30:00Z'),
        times: { worker: { typical: 6 * minute, longest: 20 * minute, samples: 9 } },
      },
      changed: { windows: [...saturday] },
      expected: 'go w-1',
    },
    {
      name: 'and that it does not, with a margin',
      circumstances: {
        now: at('2026-03-07T04:36:00Z'),
        times: { worker: { typical: 6 * minute, longest: 20 * minute, samples: 9 } },
      },
      changed: { windows: [...saturday] },
      expected: 'wait: the window closes on 2026-03-07 06:00 CET, and a node takes up to 25 min',
    },
    {
      name: 'control planes have a history of their own',
      nodes: [...three(), ...upgraded([worker('w-1')])],
      circumstances: {
        now: at('2026-03-07T04:36:00Z'),
        times: { worker: { typical: 6 * minute, longest: 20 * minute, samples: 9 } },
      },
      changed: { windows: [...saturday] },
      expected: 'go cp-2',
    },
    {
      name: 'a window that was opened by hand is one',
      circumstances: { now: at('2026-03-04T12:00:00Z'), openUntil: at('2026-03-04T14:00:00Z') },
      changed: { windows: [...saturday] },
      expected: 'go w-1',
    },
    {
      name: 'and ends like one',
      circumstances: { now: at('2026-03-04T12:00:00Z'), openUntil: at('2026-03-04T12:10:00Z') },
      changed: { windows: [...saturday] },
      expected: 'wait: the window closes on 2026-03-04 13:10 CET, and a node takes up to 15 min',
    },
    {
      name: 'it makes a regular one longer',
      circumstances: { now: at('2026-03-07T04:58:00Z'), openUntil: at('2026-03-07T06:00:00Z') },
      changed: { windows: [...saturday] },
      expected: 'go w-1',
    },
    {
      name: 'and is over when it is over',
      circumstances: { now: at('2026-03-04T14:00:00Z'), openUntil: at('2026-03-04T14:00:00Z') },
      changed: { windows: [...saturday] },
      expected: 'wait: the next window opens on 2026-03-07 02:00 CET',
    },
  ])('$name', ({ nodes = all, circumstances, changed = {}, expected }) => {
    expect(summary(decide(nodes, circumstances, changed))).toBe(expected)
  })
})
