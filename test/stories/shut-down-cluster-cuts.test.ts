import { describe, expect, test } from 'vitest'
import { machineOf } from '../core/power/shutdowns.ts'
import { powerOf } from '../core/power/states.ts'
import {
  battery,
  cp1,
  type Down,
  low,
  mains,
  minute,
  nas,
  off,
  on,
  outage,
  s1,
  shutsDown,
  w1,
} from '../operations/downs.ts'

// Which UPS switches off its outlets at the end, and when we log out of it.

interface Case extends Down {
  readonly name: string
}

const both = machineOf('both', 'workers', minute, on('rack', 'shelf'))
const ordered = (power: ReturnType<typeof powerOf>) => ({ ...power, ordered: 1 as never })

describe('a UPS switches off its outlets', () => {
  test.each<Case>([
    { name: 'when every machine that it feeds was shut down' },
    {
      name: 'though another UPS feeds machines that run on',
      machines: [cp1, w1, s1],
      power: powerOf({ rack: low(), shelf: mains }),
    },
    {
      name: 'though a machine could not be reached that was off before',
      recently: ['cp-1'],
      fails: ['shut down w-1'],
    },
    { name: 'though some machine is on no UPS', machines: [cp1, w1, machineOf('w-9', 'workers')] },
    {
      name: 'though another one has done it',
      machines: [cp1, w1, s1],
      power: powerOf({ rack: low(), shelf: low() }),
      open: outage({ 'cp-1': 'up', 'w-1': 'up', 's-1': 'off' }, { cut: { shelf: '2026-05-01T02:59:00.000Z' } }),
    },
  ])('$name', async (one) => {
    const ran = await shutsDown({ cuts: ['rack'], ...one })
    const at = ran.told.indexOf('cut-power: send shutdown.return to rack')
    expect(ran.phases.slice(at - 1, at + 2)).toEqual(['await-control-planes', 'cut-power', 'log-out'])
    expect(ran.outage!.cut).toMatchObject({ rack: '2026-05-01T03:00:00.000Z' })
  })

  test('before the NAS goes, where its upsd runs there', async () => {
    const { phases } = await shutsDown({ cuts: ['rack'], machines: [w1, nas], server: '10.0.0.5' })
    expect(phases.slice(4)).toEqual(['cut-power', 'shut-down-nas', 'await-nas', 'log-out'])
  })

  test.each(['10.0.0.6', '10.0.0.7'])('after the NAS, where its upsd runs elsewhere: %s', async (server) => {
    const { phases } = await shutsDown({ cuts: ['rack'], machines: [w1, nas], server })
    expect(phases.slice(4)).toEqual(['shut-down-nas', 'await-nas', 'cut-power', 'log-out'])
  })
})

describe('a UPS leaves its outlets on', () => {
  test.each<Case>([
    { name: 'where nobody wants otherwise', cuts: [] },
    { name: 'where a person has ordered the shutdown', power: ordered(powerOf({ rack: low() })) },
    {
      name: 'where it has its command already',
      open: outage({ 'cp-1': 'up', 'w-1': 'up' }, { cut: { rack: '2026-05-01T02:59:00.000Z' } }),
    },
    {
      name: 'while it is not critical, though another one is',
      machines: [s1],
      power: powerOf({ rack: mains, shelf: low() }),
    },
    {
      name: 'where it feeds a machine that runs on, on another UPS',
      machines: [cp1, w1, both],
      power: powerOf({ rack: low(), shelf: mains }),
    },
    { name: 'where a machine could not be reached', fails: ['shut down w-1'] },
    {
      name: 'where it feeds none of the machines that go',
      machines: [w1],
      power: powerOf({ rack: low() }),
      cuts: ['shelf'],
    },
  ])('$name', async (one) => {
    const ran = await shutsDown({ cuts: ['rack'], ...one })
    expect(ran.outage!.stage).toBe('stopped')
    expect(ran.phases).not.toContain('cut-power')
  })
})

describe('we log out of upsd', () => {
  const unreached = (ago: number, wasUp = true) =>
    outage(
      { 'cp-1': 'off', 'w-1': { state: 'unreached', wasUp } },
      { stage: 'stopped', stoppedAt: new Date(Date.parse('2026-05-01T03:00:00.000Z') - ago).toISOString() },
    )

  test.each<Case>([
    { name: 'when everything is off', open: off() },
    { name: 'when one that could not be reached has had its time', open: unreached(minute) },
    { name: 'when one could not be reached that was off before', open: unreached(0, false) },
    { name: 'where the clock was set back meanwhile', open: unreached(-1) },
  ])('$name', async (one) => {
    const ran = await shutsDown(one)
    expect(ran.told).toEqual(['log-out: log out of rack'])
    expect(ran.outage!.loggedOut).toBe(true)
  })

  test('of those that are critical alone', async () => {
    const power = powerOf({ rack: low(), shelf: battery })
    expect((await shutsDown({ open: off(), power })).told).toEqual(['log-out: log out of rack'])
  })

  test('of all, where a person has ordered the shutdown', async () => {
    const power = ordered(powerOf({ rack: battery, shelf: mains }))
    const all = ['log-out: log out of rack, log out of shelf']
    expect((await shutsDown({ open: off(), power })).told).toEqual(all)
  })

  test.each<Case>([
    { name: 'not twice', open: off({ loggedOut: true }) },
    { name: 'not while one that could not be reached may be booting', open: unreached(0) },
    { name: 'nor for all of its time', open: unreached(minute - 1) },
  ])('$name', async (one) => {
    const ran = await shutsDown(one)
    expect(ran.phases).toEqual([])
    expect(ran.outage!.loggedOut).toBe(one.open!.loggedOut)
  })

  test('where there is none, that is noted all the same', async () => {
    const ran = await shutsDown({ open: off(), power: ordered(powerOf({})) })
    expect([ran.phases, ran.outage!.loggedOut]).toEqual([[], true])
  })
})
