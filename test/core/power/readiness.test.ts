import { expect, test } from 'vitest'
import { readinessOf, whyNotReady } from '../../../src/core/power/readiness.ts'
import type { PowerState } from '../../../src/core/power/state.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'
import { nextPowerState } from '../../../src/core/power/transitions.ts'
import { stateOf } from './states.ts'
import { after, each, policy as powerPolicy, seenIn } from './stories.ts'

const minute = 60_000
const policy = { minimumCharge: 25, minimumRuntime: 10 * minute, unknownChargeAfter: 15 * minute }

/** A UPS on mains power for so many minutes, with this status and these figures. */
function onMains(status: string, figures: Partial<UpsReading>): PowerState & { readonly mode: 'on-mains' } {
  const state = stateOf('on-mains', figures, 0)
  if (state.mode !== 'on-mains') throw new Error('it is not on mains power')
  return { ...state, reading: { ...state.reading, status: status.split(' ') } }
}

test.each<{ name: string; status?: string; figures?: Partial<UpsReading>; minutes?: number; hold: RegExp | undefined }>(
  [
    { name: 'a charged battery', figures: { charge: 60, runtime: 20 * minute }, hold: undefined },
    { name: 'LB without a charge', status: 'OL CHRG LB', hold: /low \(LB\)/ },
    { name: 'LB with half a charge', status: 'OL CHRG LB', figures: { charge: 50 }, hold: /low \(LB\)/ },
    {
      name: 'LB with a full charge, from a UPS that is stuck',
      status: 'OL LB',
      figures: { charge: 100 },
      hold: /low \(LB\)/,
    },
    {
      name: 'a charge that is too low',
      status: 'OL CHRG',
      figures: { charge: 24, runtime: 60 * minute },
      hold: /at 24 %/,
    },
    { name: 'a charge at the mark', status: 'OL CHRG', figures: { charge: 25, runtime: 20 * minute }, hold: undefined },
    {
      name: 'a runtime that is too short',
      status: 'OL CHRG',
      figures: { charge: 80, runtime: 45_000 },
      hold: /lasts 45 s/,
    },
    { name: 'one that a full battery never exceeds', figures: { charge: 95, runtime: 8 * minute }, hold: undefined },
    { name: 'a runtime alone that is too short', figures: { runtime: 8 * minute }, hold: /lasts 8 min/ },
    { name: 'a runtime alone that is long enough', figures: { runtime: 12 * minute }, hold: undefined },
    {
      name: 'nothing, for a short time',
      minutes: 14,
      hold: /does not report its charge; mains power must last for 15 min/,
    },
    { name: 'nothing, for long enough', minutes: 15, hold: undefined },
    { name: 'HB alone', status: 'OL HB', minutes: 1, hold: undefined },
    {
      name: 'DISCHRG with a battery that is not full',
      status: 'OL DISCHRG',
      figures: { charge: 70, runtime: 20 * minute },
      hold: /discharges \(OL DISCHRG\)/,
    },
    {
      name: 'DISCHRG with one that is',
      status: 'OL DISCHRG',
      figures: { charge: 100, runtime: 20 * minute },
      hold: undefined,
    },
  ],
)('waking with $name: held for $hold', ({ status = 'OL', figures = {}, minutes = 5, hold }) => {
  const why = whyNotReady(onMains(status, figures), minutes * minute, policy, {})
  expect(why ?? 'nothing').toMatch(hold ?? /^nothing$/)
})

test('an LB that is ignored holds nothing back', () => {
  expect(whyNotReady(onMains('OL LB', { charge: 90 }), minute, policy, { ignoreLowBattery: true })).toBeUndefined()
})

test('the least runtime is what a shutdown takes and a boot, unless it is set', () => {
  const wake = { minimumCharge: 25, unknownChargeAfter: 0 }
  expect(readinessOf({ minimumRuntime: 285_000, wake }).minimumRuntime).toBe(585_000)
  expect(readinessOf({ minimumRuntime: 285_000, wake: { ...wake, minimumRuntime: 60_000 } }).minimumRuntime).toBe(
    60_000,
  )
})

/** Mains power that is said to be back for so many seconds, after an outage, a word a second. */
function back(seconds: number, status: string, chargeAt: (second: number) => number) {
  let state: PowerState = after(['0: OL', ...each(1, 20, 'OB LB')], { minimumRuntime: undefined }, false, {
    charge: 40,
  })
  for (let second = 21; second <= 20 + seconds; second++)
    state = nextPowerState(state, seenIn(`${second}: ${status}`, { charge: chargeAt(second - 21) }), powerPolicy)
  if (state.mode !== 'on-mains') throw new Error(`it is ${state.mode}`)
  return whyNotReady(state, (20 + seconds) * 1_000, policy, {})
}

test.each<{ name: string; status?: string; chargeAt: (second: number) => number; hold: RegExp | undefined }>([
  { name: 'falls by 3 % a minute', chargeAt: (second) => 40 - second / 20, hold: /the charge still falls \(OL CHRG\)/ },
  {
    name: 'falls by 2 % a minute, in whole figures',
    chargeAt: (second) => Math.round(40 - second / 30),
    hold: /falls/,
  },
  { name: 'falls, without a word of charging', status: 'OL', chargeAt: (second) => 40 - second / 20, hold: /falls/ },
  { name: 'rises', chargeAt: (second) => 40 + second / 20, hold: undefined },
  { name: 'stands still', chargeAt: () => 40, hold: undefined },
  { name: 'was told once too high', chargeAt: (second) => (second < 5 ? 40 : 36 + second / 30), hold: undefined },
  { name: 'trembles', chargeAt: (second) => 40 + (second % 2), hold: undefined },
  { name: 'fell at first, and rises', chargeAt: (second) => 38 + Math.abs(second - 20) / 10, hold: undefined },
])('a minute after an outage a charge that $name: $hold', ({ status = 'OL CHRG', chargeAt, hold }) => {
  const why = back(75, status, chargeAt)
  expect(why ?? '').toMatch(hold ?? /^$/)
})
