import { describe, expect, test } from 'vitest'
import { phase, type StopReason, type StopReasons, whyNotBegin } from '../../src/core/plan.ts'

const everything: StopReasons = {
  'failing-power': 'the UPS is on battery',
  'power-change': 'mains is back',
  'short-battery': 'the battery has no time left for it',
  abort: 'the rollout was aborted',
  pause: 'it is paused',
  'rollback-request': 'a rollback of w-1 was requested',
}
const reasons = Object.keys(everything) as StopReason[]

describe('a phase', () => {
  test.each(reasons)('that %s stops does not begin while there is some', (reason) => {
    expect(whyNotBegin(phase('drain', [reason]), everything)).toBe(everything[reason])
    expect(whyNotBegin(phase('drain', [reason]), { [reason]: everything[reason] })).toBe(everything[reason])
  })

  test.each(reasons)('that %s does not stop begins in spite of it', (reason) => {
    const others = reasons.filter((other) => other !== reason)
    expect(whyNotBegin(phase('drain', others), { [reason]: everything[reason] })).toBeUndefined()
  })

  test('begins where nothing is there to be stopped for', () => {
    expect(whyNotBegin(phase('drain', reasons), {})).toBeUndefined()
    expect(whyNotBegin(phase('drain', reasons), { pause: undefined })).toBeUndefined()
  })

  test('that nothing stops begins in spite of everything', () => {
    expect(whyNotBegin(phase('uncordon', []), everything)).toBeUndefined()
  })

  test('says what can wait least, in whatever order it declares it', () => {
    const present = { 'failing-power': 'the UPS is on battery', pause: 'it is paused' }
    expect(whyNotBegin(phase('drain', ['pause', 'failing-power']), present)).toBe('the UPS is on battery')
  })

  test('does not have asked for what does not stop it', () => {
    const asked: string[] = []
    const present = {
      get pause() {
        asked.push('pause')
        return 'it is paused'
      },
    }
    expect(whyNotBegin(phase('reboot', ['failing-power']), present)).toBeUndefined()
    expect(asked).toEqual([])
  })

  test('that does not say what stops it does not compile', () => {
    // @ts-expect-error -- what may stop it is missing
    expect(phase('reboot').stops).toBeUndefined()
    // @ts-expect-error -- there is no such phase
    phase('hand over', [])
    // @ts-expect-error -- nothing of the kind stops a phase
    phase('reboot', ['bad-weather'])
  })
})
