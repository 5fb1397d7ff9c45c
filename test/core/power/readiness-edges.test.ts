import { describe, expect, test } from 'vitest'
import { readinessOf, whyNotReady } from '../../../src/core/power/readiness.ts'
import type { PowerState } from '../../../src/core/power/state.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'
import { stateOf } from './states.ts'

const minute = 60_000
const policy = { minimumCharge: 50, minimumRuntime: 10 * minute, unknownChargeAfter: 30 * minute }

/** Why a UPS with these figures, on mains since ten seconds of the clock, is not ready so long after. */
function why(figures: Partial<UpsReading>, status = 'OL', after = 0, ignoreLowBattery = false): string | undefined {
  const state = stateOf('on-mains', figures) as PowerState & { readonly mode: 'on-mains' }
  const reading = { ...state.reading, status: status.split(' ') }
  return whyNotReady({ ...state, reading }, 10_000 + after, policy, { ignoreLowBattery })
}

describe('nothing is woken on a battery', () => {
  test('that is low, unless LB of this UPS is ignored', () => {
    expect(why({ charge: 100, runtime: 60 * minute }, 'OL CHRG LB')).toBe('the battery is low (LB)')
    expect(why({ charge: 100, runtime: 60 * minute }, 'OL CHRG LB', 0, true)).toBeUndefined()
    expect(why({}, 'OL CHRG LB', 90 * minute)).toBe('the battery is low (LB)')
  })

  test('that discharges and is not full, or that empties, or that is silent', () => {
    expect(why({ charge: 89.9, runtime: 60 * minute }, 'OL DISCHRG')).toMatch(/^the UPS reports that its battery disch/)
    expect(why({ charge: 90, runtime: 60 * minute }, 'OL DISCHRG')).toBeUndefined()
    expect(why({ runtime: 60 * minute }, 'OL DISCHRG')).toBeUndefined()
    const state = stateOf('on-mains', { charge: 90, runtime: 60 * minute }) as PowerState & { mode: 'on-mains' }
    const fall = { of: 'charge', since: 0, by: 10 } as const
    expect(whyNotReady({ ...state, fall }, 10_000, policy, {})).toMatch(/^the charge falls although/)
    expect(whyNotReady({ ...state, isSilent: true }, 10_000, policy, {})).toBe('the UPS no longer answers')
  })

  test('whose figures are not plausible, until mains power has been on for long', () => {
    const doubt = { reported: 0, why: 'the charge is 100 %' }
    const configured = { ...doubt, isConfigured: true } as const
    const held = /^the UPS reports a (charge|runtime) of .*; mains power must last for 30 min/
    expect(why({ charge: 100, doubts: { runtime: doubt } })).toMatch(held)
    expect(why({ runtime: 60 * minute, doubts: { charge: doubt } })).toMatch(held)
    expect(why({ charge: 100, doubts: { runtime: doubt } }, 'OL', 30 * minute)).toBeUndefined()
    expect(why({ charge: 100, doubts: { runtime: configured } })).toBeUndefined()
    expect(why({ runtime: 60 * minute, doubts: { charge: configured } })).toBeUndefined()
  })

  test('with too little charge, whatever runtime it claims', () => {
    expect(why({ charge: 49.9, runtime: 60 * minute })).toMatch(/^the battery is at 49\.9 %, and waking needs 50 %/)
    expect(why({ charge: 50, runtime: 60 * minute })).toBeUndefined()
    expect(why({ charge: 50 })).toBeUndefined()
  })

  test('that lasts too short, unless it is full: then it will not last longer', () => {
    expect(why({ charge: 89, runtime: 10 * minute - 1 })).toMatch(/^the battery lasts 10 min, and waking needs 10 min/)
    expect(why({ charge: 89, runtime: 10 * minute })).toBeUndefined()
    expect(why({ charge: 90, runtime: 45_000 })).toBeUndefined()
    expect(why({ runtime: 45_000 })).toMatch(/^the battery lasts 45 s/)
    expect(why({ runtime: 10 * minute })).toBeUndefined()
  })

  test('of which nothing is known, until mains power has been on for long; HB is a sign as well', () => {
    expect(why({}, 'OL', 5 * minute)).toMatch(/mains power must last for 30 min/)
    expect(why({}, 'OL', 30 * minute - 1)).toMatch(/^the UPS does not report its charge/)
    expect(why({}, 'OL', 30 * minute)).toBeUndefined()
    expect(why({}, 'OL HB')).toBeUndefined()
  })
})

test('a battery must carry a boot and a shutdown, where the configuration does not say what it must carry', () => {
  const wake = { minimumCharge: 50, unknownChargeAfter: 30 * minute }
  expect(readinessOf({ minimumRuntime: 4 * minute, wake })).toEqual({ ...wake, minimumRuntime: 9 * minute })
  expect(readinessOf({ minimumRuntime: 4 * minute, wake: { ...wake, minimumRuntime: 0 } })).toEqual({
    ...wake,
    minimumRuntime: 0,
  })
})
