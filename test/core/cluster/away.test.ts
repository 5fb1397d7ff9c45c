import { expect, test } from 'vitest'
import { whyAway } from '../../../src/core/cluster/away.ts'
import { worker } from './nodes.ts'

const at = '2027-01-01T20:00:00.000Z'
const cordoned = (why: 'upgrade' | 'power') => worker('w-1', { kubernetes: { cordon: { why, at } } })
const outage = (stage: string, state: string) => ({ stage, nodes: { 'w-1': { state } } })

test.each([
  { name: 'nothing was done to it', node: worker('w-1'), cut: undefined, why: undefined },
  { name: 'we upgrade it', node: cordoned('upgrade'), cut: undefined, why: 'is being upgraded' },
  { name: 'a power cut that is over has cordoned it', node: cordoned('power'), cut: undefined, why: undefined },
  {
    name: 'it was shut down',
    node: worker('w-1', { kubernetes: 'silent' }),
    cut: outage('stopped', 'off'),
    why: 'is shut down because of the power cut',
  },
  { name: 'it is not off yet', node: worker('w-1'), cut: outage('draining', 'drained'), why: undefined },
  { name: 'it is woken', node: worker('w-1'), cut: outage('waking', 'wake-sent'), why: 'is being woken' },
  { name: 'it is back', node: worker('w-1'), cut: outage('waking', 'back'), why: undefined },
  { name: 'all of it is over', node: worker('w-1'), cut: outage('over', 'off'), why: undefined },
  { name: 'nothing was done to it in the cut', node: worker('w-1'), cut: outage('stopped', 'up'), why: undefined },
  { name: 'nobody tells', node: worker('w-1', { kubernetes: 'silent' }), cut: undefined, why: undefined },
  {
    name: 'its upgrade has failed',
    node: worker('w-1', {
      kubernetes: {
        cordon: { why: 'upgrade', at },
        attempts: { release: 'v1.13.9', count: 1, failure: 'it is not ready' },
      },
    }),
    cut: undefined,
    why: undefined,
  },
  { name: 'the cut is of others', node: worker('w-2'), cut: outage('waking', 'wake-sent'), why: undefined },
])('where $name a node is away because it $why', ({ node, cut, why }) => {
  expect(whyAway(node, cut)).toBe(why)
})
