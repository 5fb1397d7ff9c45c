import { describe, expect, test } from 'vitest'
import { cancelledIn, describeRestarts, triggersIn } from '../../../src/core/power/cancelled.ts'
import { callOff, type PowerState } from '../../../src/core/power/state.ts'
import type { PowerPolicy } from '../../../src/core/power/triggers.ts'
import { after, goOn, policy } from './stories.ts'

const figures = { charge: 80, runtime: 900_000 }
const onBattery = () => after(['0: OL', '1: OB', '6: OB'], {}, false, figures)
const low = () => after(['0: OL', '1: OB LB', '4: OB LB'], {}, false, figures)

const armed = (state: PowerState, changed: Partial<PowerPolicy> = {}) =>
  triggersIn(state, { ...policy, ...changed }).flatMap(({ reason, disarmed }) =>
    disarmed === undefined ? [reason] : [],
  )

const restarts = (states: Readonly<Record<string, PowerState>>, ahead = false) =>
  describeRestarts(cancelledIn(Object.entries(states), () => policy, ahead))

describe('what can start a shutdown after one was cancelled', () => {
  test('before it began: whatever says that the battery is short', () => {
    const cancelled = callOff(onBattery())!
    expect(armed(onBattery())).toContain('on-battery-too-long')
    expect(armed(cancelled)).toEqual([
      'forced-shutdown',
      'low-battery',
      'low-runtime',
      'low-charge',
      'silent-on-battery',
    ])
    expect(restarts({ rack: cancelled })).toBe(
      'until mains power is back, only a forced shutdown (FSD), a low battery (LB) for 3 s, less than 4 min of runtime, a charge below 30 % or 30 s of silence on battery can still start one',
    )
  })

  test('is what really starts one', () => {
    const cancelled = callOff(onBattery())!
    const reasonAfter = (story: readonly string[], changed = {}) => {
      const state = goOn(cancelled, story, { ...figures, ...changed })
      return state.mode === 'critical' ? state.reason : undefined
    }
    expect(reasonAfter(['7: OB', '2000: OB'])).toBeUndefined()
    for (const reason of armed(cancelled))
      expect(
        {
          'forced-shutdown': reasonAfter(['7: FSD OB']),
          'low-battery': reasonAfter(['7: OB LB', '11: OB LB']),
          'low-runtime': reasonAfter(['70: OB', '80: OB'], { runtime: 200_000 }),
          'low-charge': reasonAfter(['70: OB', '80: OB'], { charge: 20 }),
          'silent-on-battery': reasonAfter(['7: OB', '8: -', '60: -']),
        }[reason as string],
        reason,
      ).toBe(reason)
  })

  test('for a low battery: a forced shutdown alone; and nothing by itself once that is cancelled too', () => {
    const cancelled = callOff(low())!
    expect(restarts({ rack: cancelled })).toBe(
      'until mains power is back, only a forced shutdown (FSD) can still start one',
    )
    const forced = callOff(goOn(cancelled, ['5: FSD OB LB'], figures))!
    expect(restarts({ rack: forced })).toBe('until mains power is back, only `caretaker power shutdown` can start one')
  })

  test('is shown before it is cancelled as it is afterwards', () => {
    const state = onBattery()
    expect(restarts({ rack: state })).toBe('nothing starts one again before the UPS answers')
    expect(restarts({ rack: state }, true)).toBe(restarts({ rack: callOff(state)! }))
  })

  test('names the UPSes where they differ, and is said once where they do not', () => {
    const [early, late] = [callOff(onBattery())!, callOff(low())!]
    expect(restarts({ rack: early, shelf: callOff(onBattery())! })).toBe(restarts({ rack: early }))
    expect(restarts({ rack: late, shelf: early })).toMatch(
      /^until mains power is back, at rack only a forced shutdown \(FSD\) can still start one, and at shelf only a forced/,
    )
  })
})
