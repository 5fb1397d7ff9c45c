import { describe, expect, test } from 'vitest'
import { callOff, type PowerState, type Recollection, startPower } from '../../../src/core/power/state.ts'
import type { PowerPolicy } from '../../../src/core/power/triggers.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'
import { goOn, told } from './stories.ts'

// Seconds count from when the agent has run for a day: no limit holds by chance of a clock that began at nought.
const day = 86_400
const usual: Partial<PowerPolicy> = {
  onMainsAfter: 15_000,
  minimumCharge: undefined,
  minimumRuntime: undefined,
  maxOnBattery: undefined,
}
const later = (text: string) => text.replace(/^\d+/, (second) => String(day + Number(second)))
const onMains = goOn(startPower(day * 1_000), [later('0: OL')], {}, usual)
const then = (
  story: readonly string[],
  state: PowerState = onMains,
  figures: Partial<UpsReading> = {},
  changed: Partial<PowerPolicy> = {},
) => goOn(state, story.map(later), figures, { ...usual, ...changed })
const begun = (recollection: Recollection, story: readonly string[]) =>
  told(then(story, startPower(day * 1_000, recollection), { charge: 100 }))
/** `from` to `to`, a word every so many seconds, and at the end. */
const each = (from: number, to: number, status: string, every = 1) =>
  Array.from({ length: Math.ceil((to - from) / every) + 1 }, (_, index) => {
    return `${Math.min(to, from + index * every)}: ${status}`
  })

describe('FSD on mains power', () => {
  test('that nothing explains waits for a quarter of an hour to be confirmed', () => {
    const waiting = then(each(6, 906, 'FSD OL', 10))
    expect(told(waiting)).toBe('forced')
    expect(told(then(['907: -'], waiting))).toBe('critical: forced-shutdown')
    expect(told(then(['907: FSD OL'], waiting))).toBe('latched')
  })

  test('is a request for minutes after the battery was in use', () => {
    const used = then(['1: OB', ...each(2, 290, 'OL', 20)])
    expect(told(then(['301: FSD OL'], used))).toBe('critical: forced-shutdown')
    expect(told(then(['302: FSD OL'], used))).toBe('forced')
  })

  test('is left over after a silence of more than the dead time', () => {
    expect(told(then(['30: FSD OL']))).toBe('forced')
    expect(told(then(['31: FSD OL']))).toBe('latched')
  })

  test('is a request too where the status then says nothing of mains power', () => {
    const use = [...each(1, 8, 'OB'), '9: OL']
    expect(told(then([...use, '10: FSD RB']))).toBe('critical: forced-shutdown')
    const cancelled = callOff(then([...each(1, 8, 'FSD OB')]))!
    expect(told(then(['9: OL', '10: FSD RB'], cancelled))).toBe('on-battery')
    expect(told(then(['9: OL', '10: FSD OL'], cancelled))).toBe('latched')
  })

  test('beside OB is obeyed at once', () => {
    expect(told(then(['6: FSD OB']))).toBe('critical: forced-shutdown')
    expect(told(then(['6: FSD OB'], then(['1: OB', '2: OL'])))).toBe('critical: forced-shutdown')
  })

  test('after a moment on battery is counted from there, silence between them or not', () => {
    const battery = { since: (day + 1) * 1_000 }
    expect(then(['1: OB', '2: OL', '3: FSD OL'])).toMatchObject({ mode: 'critical', battery })
    const silent = then([...each(1, 8, 'OB'), '9: OL', '40: -'])
    expect(told(silent)).toBe('on-mains')
    expect(told(then(['45: FSD OL'], silent))).toBe('critical: forced-shutdown')
  })

  test('that stays after a shutdown is a latch after five minutes, silence among them', () => {
    const shutting = then([...each(1, 5, 'OB LB'), '6: FSD OL', '7: -', '100: -', '101: FSD OL', '306: FSD OL'])
    expect(told(shutting)).toBe('critical: low-battery')
    expect(told(then(['307: FSD OL'], shutting))).toBe('latched')
  })

  test('keeps what the UPS said last', () => {
    const heard = { lastHeard: (day + 6) * 1_000, reading: { status: ['FSD', 'OL'], charge: 100 } }
    expect(then(['6: FSD OL'], onMains, { charge: 100 })).toMatchObject({ mode: 'forced', ...heard })
    expect(then(['5: FSD OL', '6: FSD OL'], onMains, { charge: 100 })).toMatchObject({ mode: 'forced', ...heard })
    expect(then(['6: FSD OL'], startPower(day * 1_000), { charge: 100 })).toMatchObject({ mode: 'latched', ...heard })
  })

  test.each<{ name: string; recollection: Recollection; until: number; before: string; after: string }>([
    {
      name: 'the battery was in use',
      recollection: { wasOnBattery: true },
      until: 300,
      before: 'critical: forced-shutdown',
      after: 'latched',
    },
    {
      name: 'a shutdown by FSD was under way',
      recollection: { wasForced: true, openOutage: true },
      until: 300,
      before: 'critical: forced-shutdown',
      after: 'latched',
    },
    {
      name: 'there was mains power',
      recollection: { wasOnMains: true },
      until: 30,
      before: 'forced',
      after: 'latched',
    },
  ])('counts for $until s after a restart before which $name', ({ recollection, until, before, after }) => {
    expect(begun(recollection, [`${until}: FSD OL`])).toBe(before)
    expect(begun(recollection, [`${until + 1}: FSD OL`])).toBe(after)
  })
})

describe('a shutdown that a person cancels', () => {
  const low = then([...each(1, 8, 'OB LB')])

  test('in a moment of mains power is over once that has lasted', () => {
    const cancelled = callOff(then(['9: OL'], low))!
    expect(told(then(['23: OL'], cancelled))).toBe('on-battery')
    expect(told(then(['24: OL'], cancelled))).toBe('on-mains')
  })

  test('beside FSD waits for mains power without it', () => {
    const cancelled = callOff(then(['9: FSD OL'], low))!
    expect(told(then(['23: OL'], cancelled))).toBe('on-battery')
    expect(told(then(['23: OL', '37: OL'], cancelled))).toBe('on-battery')
    expect(told(then(['23: OL', '38: OL'], cancelled))).toBe('on-mains')
  })

  test('stays so, however long the status says nothing', () => {
    expect(told(then(each(9, 2_000, 'RB', 20), callOff(low)))).toBe('on-battery')
  })

  test('of a UPS that has not answered starts no more by its silence', () => {
    const resumed = then(['31: -'], startPower(day * 1_000, { openOutage: true }))
    const cancelled = callOff(resumed)!
    expect(cancelled).toMatchObject({ mode: 'unknown', openOutage: false, nodesAreDown: true })
    expect(told(then(['900: -'], cancelled))).toBe('unknown')
  })
})

test('FSD after a restart on mains power in the middle of a shutdown is left over', () => {
  expect(begun({ wasOnMains: true, openOutage: true }, ['5: FSD OL'])).toBe('latched')
})

describe('silence', () => {
  test('right after a restart in the middle of a shutdown goes on with it once the dead time is over', () => {
    expect(begun({ openOutage: true }, ['30: -'])).toBe('unknown')
    expect(begun({ openOutage: true }, ['31: -'])).toBe('critical: outage-resumed')
    expect(begun({ openOutage: true }, ['31: -', '32: OB'])).toBe('critical: outage-resumed')
    expect(begun({ openOutage: true, nodesAreDown: true }, ['31: -'])).toBe('unknown')
  })

  test('on battery is a reason once the dead time is over, and on mains power none', () => {
    const used = then(each(1, 8, 'OB'))
    expect(told(then(['38: -'], used))).toBe('on-battery')
    expect(told(then(['39: -'], used))).toBe('critical: silent-on-battery')
    const back = then(['9: OL'], used)
    expect(told(then(['39: -'], back))).toBe('on-battery')
    expect(told(then(['40: -'], back))).toBe('on-mains')
  })

  test('on battery for longer than the policy allows is a reason of its own', () => {
    const changed = { maxOnBattery: 20_000 }
    const used = then(each(1, 8, 'OB'), onMains, {}, changed)
    expect(told(then(['21: -'], used, {}, changed))).toBe('on-battery')
    expect(told(then(['22: -'], used, {}, changed))).toBe('critical: on-battery-too-long')
  })

  test('keeps what shows that the battery empties on mains power', () => {
    const falling = Array.from({ length: 40 }, (_, index) => index + 1).reduce(
      (state, second) => then([`${second}: OL DISCHRG`], state, { charge: 70 - second }, { onBatteryBelow: 50 }),
      onMains,
    )
    expect(told(falling)).toBe('on-battery')
    const silent = then(['71: -'], falling)
    expect(told(silent)).toBe('critical: silent-on-battery')
    expect(silent).toMatchObject({ trend: 'trend' in falling ? falling.trend : [] })
  })

  test('on mains power is known as such once the dead time is over', () => {
    expect(then(['30: -'])).not.toHaveProperty('isSilent')
    expect(then(['31: -'])).toMatchObject({ mode: 'on-mains', isSilent: true })
  })

  test('of more than five seconds means that mains power has not lasted', () => {
    const back = then([...each(1, 8, 'OB LB'), ...each(9, 14, 'OL')])
    expect(told(then(['19: -', ...each(20, 23, 'OL')], back))).toBe('critical: low-battery')
    expect(told(then(['19: -', ...each(20, 24, 'OL')], back))).toBe('on-mains')
    expect(told(then(['20: -', ...each(21, 35, 'OL')], back))).toBe('critical: low-battery')
    expect(told(then(['20: -', ...each(21, 36, 'OL')], back))).toBe('on-mains')
  })
})

describe('a moment of mains power', () => {
  test.each(['OB', 'OB LB'])('after %s is no time on battery', (status) => {
    const flapped = then([...each(1, 8, status), ...each(9, 18, 'OL'), ...each(19, 20, status)])
    expect(flapped).toMatchObject({ battery: { since: (day + 1) * 1_000, lasted: 9_000 } })
  })
})

describe('a status that says nothing of mains power', () => {
  const unclear = (to: number) => [...each(1, 8, 'OB'), ...each(9, to, 'RB', 5)]

  test('ends a time on battery that nothing else limits after a quarter of an hour', () => {
    expect(told(then(unclear(909)))).toBe('on-battery')
    expect(told(then(unclear(910)))).toBe('critical: on-battery-too-long')
    expect(told(then(unclear(910), onMains, {}, { maxOnBattery: 7_200_000 }))).toBe('on-battery')
  })

  test('leaves a moment on battery as it was, and time counts on', () => {
    expect(told(then(['1: OB', ...each(2, 5, 'RB')]))).toBe('on-mains')
    expect(told(then(['1: OB', ...each(2, 6, 'RB')]))).toBe('on-battery')
    expect(told(then(['1: OB', '2: OL', ...each(3, 12, 'RB')]))).toBe('on-mains')
    expect(told(then(['1: OB', ...each(2, 12, 'CHRG')]))).toBe('on-mains')
    expect(told(then(each(1, 12, 'RB')))).toBe('on-mains')
  })

  test('counts as time on battery, unless it hints at mains power', () => {
    const changed = { maxOnBattery: 60_000 }
    const used = each(1, 8, 'OB')
    expect(then([...used, '9: RB'], onMains, {}, changed)).toMatchObject({ battery: { lasted: 8_000 } })
    expect(told(then([...used, ...each(9, 62, 'RB')], onMains, {}, changed))).toBe('critical: on-battery-too-long')
    expect(told(then([...used, ...each(9, 200, 'CHRG')], onMains, {}, changed))).toBe('on-battery')
  })

  test('goes on with a shutdown after a restart once the dead time is over', () => {
    expect(begun({ openOutage: true }, ['30: RB'])).toBe('unknown')
    expect(begun({ openOutage: true }, ['31: RB'])).toBe('critical: outage-resumed')
    expect(begun({ openOutage: true, nodesAreDown: true }, ['31: RB'])).toBe('unknown')
    expect(begun({}, ['31: RB'])).toBe('unknown')
    expect(begun({ openOutage: true }, ['31: CHRG'])).toBe('unknown')
  })

  test('and only hints at it is believed after five minutes', () => {
    for (const state of [onMains, then(each(1, 8, 'OB')), then(each(1, 8, 'OB LB')), startPower(day * 1_000)]) {
      const before = told(state)
      expect(told(then(each(9, 308, 'CHRG', 10), state))).toBe(before)
      expect(told(then(each(9, 309, 'CHRG', 10), state))).toBe('on-mains')
    }
  })

  test('after moments of mains power leaves it at that once they have lasted', () => {
    const back = then([...each(1, 8, 'OB'), '9: OL'])
    expect(told(then(['23: RB'], back))).toBe('on-battery')
    expect(told(then(['24: RB'], back))).toBe('on-mains')
    expect(told(then(['12: RB', '24: RB'], back))).toBe('on-mains')
  })

  test('beside FSD that nothing explains confirms it where the battery is low', () => {
    const forced = then(['6: FSD OL'], onMains, { charge: 100 })
    expect(told(then(['7: RB'], forced, { charge: 100 }))).toBe('forced')
    expect(told(then(['7: RB LB'], forced, { charge: 100 }))).toBe('critical: forced-shutdown')
  })

  test('leaves a latch as it is', () => {
    const latched = then(['6: FSD OL'], startPower(day * 1_000))
    expect(then(['9: RB'], latched)).toMatchObject({
      mode: 'latched',
      since: (day + 6) * 1_000,
      lastHeard: (day + 9) * 1_000,
      unclearSince: (day + 9) * 1_000,
    })
  })
})
