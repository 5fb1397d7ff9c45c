import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import { renderPower, renderPowerPlan } from '../../src/cli/render-power.ts'
import type { UpsReading } from '../../src/core/power/ups.ts'
import { startAgent, type StartOptions } from '../fakes/agent.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { operatorOf } from '../fakes/person.ts'
import { low, onBattery, online, two } from '../fakes/stories.ts'

/** What a person reads of the power, while it is as the stories say. */

function start(options: StartOptions = {}) {
  const homelab = fakeHomelab(two, options.upses === undefined ? {} : { upses: options.upses })
  const it = startAgent(homelab, { power: { onBatteryAfter: '0s' }, ...options })
  const { power } = operatorOf(homelab, it)
  return {
    ...it,
    homelab,
    status: () => stripVTControlCharacters(renderPower(power.state(), power.outages({ limit: 20 }).items, 'UTC')),
    plan: () => stripVTControlCharacters(renderPowerPlan(power.plan())),
    power,
  }
}

const armed = (text: string) => text.split('\n').filter((line) => line.includes('armed   '))

describe('a UPS that does not answer', () => {
  test('shows with its first failed poll, with for how long and who, and goes with the next reading', async () => {
    const it = start()
    await it.reads(online)
    expect(it.status()).not.toContain('no reading')
    await it.silent(4_000)
    expect(it.status()).toContain('no reading for 4 s: the UPS does not answer')
    expect(it.plan()).toContain('ups: no reading for 4 s: the UPS does not answer')
    await it.reads(online)
    expect(it.status()).not.toContain('no reading')
    expect(it.plan()).not.toContain('no reading')
  })

  test('shows as well while upsd answers and has no data of the UPS', async () => {
    const it = start()
    await it.reads(online)
    await it.reads({ status: ['WAIT'] }, 2_000)
    expect(it.status()).toContain('no reading for 2 s: the UPS server has no data')
  })

  test('has nothing armed on mains power, because a power cut would not be noticed', async () => {
    const it = start()
    await it.reads(online)
    expect(armed(it.status())).not.toEqual([])
    await it.silent(2_000)
    expect(armed(it.status())).toEqual([])
    expect(it.plan()).toContain('while that lasts, a power cut is not noticed, and nothing starts a shutdown')
    expect(it.plan()).toContain('if a shutdown started now: ')
    expect(it.plan()).not.toContain('if mains power failed now')
  })

  test('has on battery those alone armed that need no reading', async () => {
    const it = start()
    await it.reads(online)
    await it.reads(onBattery)
    await it.silent(2_000)
    expect(armed(it.status()).map((line) => line.replace(/.*armed {3}/, ''))).toEqual([
      '15 min on battery',
      '30 s of silence on battery',
    ])
    expect(it.plan()).toContain(
      "while that lasts, these can't start a shutdown: a forced shutdown (FSD); a low battery",
    )
  })

  test('is not guarded after the dead time', async () => {
    const it = start()
    await it.reads(online)
    await it.silent(20_000)
    expect(it.status()).not.toContain('not guarded')
    await it.silent(20_000)
    expect(it.status()).toContain('no reading for 40 s: the UPS does not answer; the power is not guarded')
  })

  test('on battery counts as failed after the dead time, and is not called unguarded', async () => {
    const it = start({ upses: ['rack', 'desk'], power: { onBatteryAfter: '0s', feed: { any: ['rack', 'desk'] } } })
    await it.reads(online, 1_000, 'rack')
    await it.reads(onBattery, 1_000, 'desk')
    await it.silent(40_000, 'desk')
    await it.reads(online, 0, 'rack')
    expect(it.status()).toContain('no reading for 40 s: the UPS does not answer; it counts as failed')
    const { text } = it.agent.alerts.find('ups.silent:desk')!
    expect(text).toBe('desk is silent, and it counts as failed: the UPS does not answer')
    expect(it.status() + text).not.toContain('not guarded')
  })

  test('is told from one that answers', async () => {
    const it = start({ upses: ['rack', 'desk'], power: { onBatteryAfter: '0s', feed: { any: ['rack', 'desk'] } } })
    await it.reads(online, 1_000, 'rack')
    await it.reads(online, 0, 'desk')
    await it.silent(3_000, 'desk')
    expect(it.plan()).toContain('desk: no reading for 3 s')
    expect(it.plan()).not.toContain('rack: no reading')
    expect(armed(it.status()).every((line) => line.includes('rack: '))).toBe(true)
  })

  test('says why once, where it has not answered at all', async () => {
    const it = start()
    await it.silent(3_000)
    expect(it.status().split('\n').slice(0, 2)).toEqual([
      'power      unknown',
      '           no reading for 3 s: the UPS does not answer',
    ])
  })
})

describe('a UPS whose charge falls although it reports mains power', () => {
  const falls = async (it: ReturnType<typeof start>, from: number, to: number) => {
    for (let charge = from; charge >= to; charge--) await it.reads({ status: ['OL', 'DISCHRG'], charge }, 10_000)
  }
  const open = (it: ReturnType<typeof start>) => it.agent.alerts.find('ups.falling:ups')
  const lines = (it: ReturnType<typeof start>) =>
    it.homelab.ports.journal.entries(1_000).filter(({ kind, text }) => kind === 'alert' && text.includes('charge'))

  test('is one alert whose text follows the figures, and one line in the journal', async () => {
    const it = start({ power: { onBatteryBelow: 60 } })
    await falls(it, 100, 90)
    expect(open(it)?.text).toContain('its charge has fallen by 10 % in 100 s; below 60 % it counts as on battery')
    const { since } = open(it)!
    await falls(it, 89, 70)
    expect(open(it)).toMatchObject({ since, text: expect.stringContaining('fallen by 30 % in 5 min') })
    expect(lines(it)).toHaveLength(1)
  })

  test('counts as on battery from a point on, and status and alert say that this is inferred', async () => {
    const it = start({ power: { onBatteryBelow: 60, minimumRuntime: '0s' } })
    await falls(it, 100, 60)
    expect(it.status()).not.toContain('inferred')
    await falls(it, 59, 58)
    expect(it.status()).toMatch(
      /on battery for 10 s \(OL DISCHRG, charge 58 %\), inferred: its charge has fallen by 42 % in 7 min although/,
    )
    expect(open(it)?.text).toBe(
      'ups reports mains power (OL DISCHRG), but its charge has fallen by 42 % in 7 min: it counts as on battery',
    )
  })

  test('is no matter of inference once it reports OB', async () => {
    const it = start({ power: { onBatteryBelow: 60, minimumRuntime: '0s' } })
    await falls(it, 100, 58)
    await it.reads({ status: ['OB'], charge: 57 })
    expect(it.status()).toContain('on battery for')
    expect(it.status()).not.toContain('inferred')
    expect(open(it)).toBeUndefined()
  })
})

describe('a runtime that is not known', () => {
  const doubted = { status: ['OL'], charge: 100, runtime: 0 }

  test.each([
    {
      name: 'that the UPS does not report',
      reading: { status: ['OL'], charge: 100 },
      says: 'the UPS does not report its runtime',
    },
    {
      name: 'that is not plausible',
      reading: doubted,
      says: 'the UPS reports a runtime of 0 s, which is not used: the charge is 100 %, without a low battery (LB)',
    },
    {
      name: 'that stands for unknown',
      reading: { ...doubted, runtime: 65_535_000 },
      says: 'the UPS reports a runtime of 65535 s, which is not used: it is a value that stands for "unknown"',
    },
    {
      name: 'that the configuration does not trust',
      reading: { ...doubted, runtime: 3_000_000 },
      ups: { trust: { runtime: false } },
      says: 'the UPS reports a runtime of 3000 s, which is not used: the configuration does not trust it',
    },
  ])('$name is named in the plan, in words for that', async ({ reading, ups = {}, says }) => {
    const it = start({ ups })
    await it.reads(reading)
    expect(it.plan()).toContain(`; ${says}`)
  })

  test('says on battery why it is assumed, and draws no battery', async () => {
    const it = start({ power: { lowBatteryAfter: '5s' } })
    await it.reads(doubted)
    await it.reads({ status: ['OB'], charge: 99, runtime: 0 })
    expect(it.plan()).toContain('the UPS reports a runtime of 0 s, which is not used: ')
    expect(it.plan()).toContain(' are assumed')
    expect(it.plan()).not.toContain('the battery lasts')
  })

  test('names each of several UPSes', async () => {
    const it = start({ upses: ['rack', 'desk'], power: { feed: { any: ['rack', 'desk'] } } })
    await it.reads(doubted, 1_000, 'rack')
    await it.reads({ status: ['OL'] }, 0, 'desk')
    expect(it.plan()).toContain('rack reports a runtime of 0 s')
    expect(it.plan()).toContain('desk does not report its runtime')
  })
})

describe('mains power that keeps failing', () => {
  /** One clock for everything. */
  function startWithClock() {
    let wall = Date.parse('2026-11-26T12:00:00Z')
    const it = start({ now: () => new Date(wall), power: { onBatteryAfter: '5s', onMainsAfter: '15s' } })
    const lasts = async (reading: UpsReading, seconds: number) => {
      for (let second = 0; second < seconds; second++) {
        wall += 1_000
        await it.reads(reading)
      }
      await it.agent.idle()
    }
    return { ...it, lasts, alert: () => it.agent.alerts.find('power.flapping') }
  }

  test('is one alert, which counts, and is settled when mains power has held', async () => {
    const it = startWithClock()
    await it.lasts(online, 60)
    for (let time = 0; time < 2; time++) {
      await it.lasts(onBattery, 20)
      await it.lasts(online, 60)
    }
    expect(it.alert()).toBeUndefined()
    for (let time = 0; time < 5; time++) {
      await it.lasts(onBattery, 20)
      await it.lasts(online, 60)
    }
    expect(it.alert()).toMatchObject({
      severity: 'warning',
      text: 'mains power has failed 7 times in 9 min: the battery empties a little more each time',
    })
    expect(it.status()).toContain('mains power has failed 7 times in 9 min')
    const lines = it.homelab.ports.journal
      .entries(1_000)
      .filter(({ text }) => text.startsWith('mains power has failed'))
    expect(lines).toHaveLength(1)
    await it.lasts(online, 530)
    expect(it.alert()).toBeDefined()
    await it.lasts(online, 20)
    expect(it.alert()).toBeUndefined()
  })

  test('counts moments that are too short to be believed', async () => {
    const it = startWithClock()
    await it.lasts(online, 10)
    for (let time = 0; time < 3; time++) {
      await it.lasts(onBattery, 2)
      await it.lasts(online, 30)
    }
    expect(it.alert()?.text).toContain('mains power has failed 3 times in 9')
  })

  test('is not what self-tests and calibrations are', async () => {
    const it = startWithClock()
    await it.lasts(online, 10)
    for (let time = 0; time < 5; time++) {
      await it.lasts({ ...onBattery, testing: true }, 10)
      await it.lasts({ ...onBattery, status: ['OB', 'CAL'] }, 10)
      await it.lasts(online, 30)
    }
    expect(it.alert()).toBeUndefined()
  })
})

test('what metrics are told of a plan is what people read of it: on mains, on battery, in a shutdown', async () => {
  const it = start({ power: { onBatteryAfter: '0s', reserve: '0s' } })
  const seen: (number | null)[] = []
  for (const reading of [online, onBattery, low]) {
    await it.reads(reading)
    const { needsMs, leftMs, timeline } = it.power.plan()
    const fit = it.power.fit()
    expect(fit.needsMs).toBe(needsMs)
    expect(fit.needsMs).toBe(Math.max(0, ...timeline.map(({ toMs }) => toMs)))
    // The clock goes on between the two.
    expect(Math.abs((fit.leftMs ?? 0) - (leftMs ?? 0))).toBeLessThan(60_000)
    seen.push(fit.leftMs)
  }
  expect(new Set(seen).size).toBeGreaterThan(1)
})
