import { expect, test } from 'vitest'
import { remembered } from '../../../src/operations/facts.ts'
import { forgetEnding } from '../../../src/operations/netboot/standing.ts'
import {
  aborts,
  asks,
  asksForConfiguration,
  at,
  ends,
  probes,
  starts,
  takes,
  transfer,
} from '../../core/netboot/seen.ts'
import { card, open } from './kept.ts'

/** What is sent the end of its image, and whether that arrived. */

const once = '{ machines: [{ machine: w-1, boot: once }] }'
const begun = [asks(0), takes(4), probes(5), starts(5)]

/** w-1 is sent the end of its image, and then the daemon is killed. */
function killed(netboot = once, arm = false) {
  const it = open(netboot, card)
  if (arm) remembered.netbootArmed.remember(it.journal, { 'w-1': { at: at(0), by: 'admin', until: at(86_400) } })
  it.sees(begun)
  it.keeper.noteEnding(transfer)
  it.restart()
  return it
}
const alertsIn = ({ alerts }: ReturnType<typeof open>) => alerts.all.map(({ id }) => id)

test.each([
  { name: 'that boots once', netboot: once, arm: false },
  { name: 'that a person wants to boot once more', netboot: '{}', arm: true },
])('a machine $name is not offered another image where nobody saw whether it has it', ({ netboot, arm }) => {
  const it = killed(netboot, arm)
  expect(it.standing()).toMatchObject({ boots: false, why: expect.stringContaining('nobody saw') })
  it.passes(40)
  expect(alertsIn(it)).toEqual([])
  it.passes(70)
  expect(it.alerts.all).toMatchObject([
    { id: 'netboot.unsure:w-1', severity: 'warning', action: expect.stringContaining('`caretaker netboot once w-1`') },
  ])
  forgetEnding(it.journal, 'w-1')
  expect(it.standing()).toMatchObject({ boots: true })
  it.passes(100)
  expect(alertsIn(it)).toEqual([])
})

test('people are told of it though the clock was set back', () => {
  const it = killed()
  it.passes(-3_600)
  expect(alertsIn(it)).toEqual(['netboot.unsure:w-1'])
})

test('what it does then shows that it has booted', () => {
  const it = killed()
  it.passes(70)
  it.sees([asksForConfiguration(80)])
  expect(it.standing()).toMatchObject({ boots: false, why: 'it has booted from the network once' })
  it.passes(100)
  expect(alertsIn(it)).toEqual([])
})

test.each([
  { name: 'has arrived', event: ends(9), is: { boots: false, why: 'it has booted from the network once' } },
  { name: 'has not', event: aborts(9), is: { boots: true } },
])('where it is seen that the end $name nobody is told', ({ event, is }) => {
  const it = open(once, card)
  it.sees(begun)
  it.keeper.noteEnding(transfer)
  it.sees([event])
  expect(it.standing()).toMatchObject(is)
  it.passes(200)
  expect(alertsIn(it)).toEqual([])
})

test('nothing is written for a machine that may boot again', () => {
  const it = killed('{ machines: [{ machine: w-1, boot: always }] }')
  expect(remembered.netbootEnding.recall(it.journal)).toBeUndefined()
  expect(it.standing()).toMatchObject({ boots: true })
})

test('what we read back from our own server is no boot that ends', () => {
  const it = open(once, card)
  it.sees(begun)
  it.keeper.noteEnding({ ...transfer, client: '192.168.0.10' })
  expect(it.standing()).toMatchObject({ boots: true })
})

test('nothing is written for what we read back from our own server in its name', () => {
  const it = open(once, card)
  it.sees(begun)
  it.keeper.noteEnding({ ...transfer, mac: '52:54:00:12:34:56', client: '192.168.0.10' })
  expect(it.standing()).toMatchObject({ mayHaveBooted: false, boots: true })
  it.keeper.noteEnding({ ...transfer, mac: '52:54:00:12:34:56' })
  expect(it.standing()).toMatchObject({ mayHaveBooted: true, boots: false })
})
