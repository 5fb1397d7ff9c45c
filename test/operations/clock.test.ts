import { describe, expect, test } from 'vitest'
import type { AlertContent } from '../../src/core/alert.ts'
import { clockMargin } from '../../src/core/clock.ts'
import type { Journal } from '../../src/core/journal.ts'
import type { ReleasePolicy } from '../../src/core/release/policy.ts'
import { createClock } from '../../src/operations/clock.ts'
import { chooseTarget, remembered } from '../../src/operations/facts.ts'
import { clusterOf, worker } from '../core/cluster/nodes.ts'
import { createRandom } from '../core/random.ts'
import { memoryJournal } from '../fakes/journal.ts'

const hour = 3_600_000
const day = 24 * hour
const start = Date.parse('2026-11-26T12:00:00Z')
const policy: ReleasePolicy = { channel: 'stable', skip: [], soak: 7 * day }
const cluster = clusterOf(worker('w-1', { talos: { version: 'v1.13.8' } }))

/** A machine whose clock is off by so much, and the truth beside it. */
function machine(journal: Journal = memoryJournal(() => new Date(start))) {
  const it = { truth: start, off: 0, bootedAt: start, open: new Map<string, AlertContent>() }
  const now = () => new Date(it.truth + it.off)
  const alerts = {
    report: (id: string, content: AlertContent | undefined) =>
      content ? Boolean(it.open.set(id, content)) : it.open.delete(id),
  }
  const begin = () =>
    createClock({
      journal,
      alerts,
      now,
      monotonic: () => it.truth - it.bootedAt,
      floors: [{ what: 'us', at: start - day }],
    })
  let clock = begin()
  const decide = () => chooseTarget(cluster, journal, policy, { now: now(), clock })
  return Object.assign(it, {
    journal,
    restart: () => {
      it.bootedAt = it.truth
      clock = begin()
    },
    passes: (ms: number) => {
      it.truth += ms
      return clock.look()
    },
    /** The Factory answers: what it offers, and its own time. */
    factory: (...versions: string[]) => {
      clock.hear('the Image Factory', it.truth)
      remembered.versions.remember(journal, versions)
      return decide()
    },
    decide,
    hear: () => clock.hear('the Image Factory', it.truth),
    hears: (who: string, ahead: number) => clock.hear(who, it.truth + ahead),
    whyUntrusted: () => clock.whyUntrusted(),
  })
}

describe('a release soaks', () => {
  test('from when it was truly seen, though the clock was fifty years behind then', () => {
    const it = machine()
    it.off = -50 * 365 * day
    expect(it.factory('v1.13.8', 'v1.13.9')).toMatchObject({
      kind: 'wait',
      reason: expect.stringMatching(/^it is unknown how long it has soaked: the clock of this machine says 1976-12-08/),
    })
    it.passes(hour)
    it.off = 0
    it.passes(1_000)
    expect(it.factory('v1.13.8', 'v1.13.9')).toMatchObject({ kind: 'wait', reason: 'it soaks for 7 d' })
    it.passes(6 * day)
    expect(it.factory('v1.13.8', 'v1.13.9').kind).toBe('wait')
    it.passes(day)
    expect(it.factory('v1.13.8', 'v1.13.9').kind).toBe('target')
  })

  test('no faster for a clock that is set forward by years and then corrected', () => {
    const it = machine()
    it.factory('v1.13.9')
    it.passes(hour)
    it.off = 10 * 365 * day
    it.passes(5_000)
    expect(it.decide().kind).toBe('wait')
    it.restart()
    expect(it.decide().kind).toBe('wait')
    expect(it.factory('v1.13.9').kind).toBe('wait')
    it.off = 0
    it.restart()
    expect(it.factory('v1.13.9')).toMatchObject({
      kind: 'wait',
      reason: 'it soaks for 7 d',
    })
  })

  test('anew where the record is of a time that can not be: of 1976, or of the year 2099', () => {
    for (const wrong of [Date.UTC(1976, 0), Date.UTC(2099, 0)]) {
      const it = machine()
      it.journal.firstSeen(['v1.13.9'], wrong)
      expect(it.factory('v1.13.9').kind).toBe('wait')
      it.passes(7 * day)
      expect(it.decide().kind).toBe('target')
      // It is put right for good.
      it.restart()
      expect(it.factory('v1.13.9').kind).toBe('target')
    }
  })

  test('for as long as it must, in whatever way the clock is set and the daemon started again', () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = createRandom(seed)
      const it = machine()
      /** When each release was truly offered first. */
      const offered = new Map<string, number>()
      const versions = ['v1.13.8']
      for (let step = 0; step < 120; step++) {
        it.passes(random.below(random.chance(0.2) ? 3 * day : hour))
        if (random.chance(0.15))
          it.off = random.pick([0, -50 * 365 * day, 10 * 365 * day, -5 * hour, 3 * day, 8 * day, -day])
        if (random.chance(0.1)) it.restart()
        if (random.chance(0.1)) versions.push(`v1.13.${8 + versions.length}`)
        if (random.chance(0.5)) {
          for (const version of versions) if (!offered.has(version)) offered.set(version, it.truth)
          it.factory(...versions)
        }
        const decision = it.decide()
        if (decision.kind !== 'target') continue
        const soaked = it.truth - offered.get(decision.version)!
        expect(soaked, `seed ${seed}, step ${step}`).toBeGreaterThanOrEqual(policy.soak - 2 * clockMargin)
      }
    }
  })

  test('to its end, where the clock is right in the end', () => {
    const it = machine()
    for (const off of [-50 * 365 * day, 10 * 365 * day, -5 * hour]) {
      it.off = off
      it.restart()
      it.factory('v1.13.9')
      it.passes(hour)
    }
    it.off = 0
    it.restart()
    it.factory('v1.13.9')
    it.passes(8 * day)
    expect(it.decide().kind).toBe('target')
  })
})

describe('what is wrong with the clock', () => {
  test('is one alert with both times, and settles when it is right', () => {
    const it = machine()
    it.off = -3 * day
    it.hear()
    it.passes(1_000)
    expect([...it.open]).toMatchObject([
      [
        'clock.untrusted',
        {
          text: expect.stringContaining(
            'says 2026-11-23 12:00 UTC, but by the Image Factory it is 2026-11-26 12:00 UTC',
          ),
        },
      ],
    ])
    const told = it.open.get('clock.untrusted')
    it.passes(hour)
    // The same alert: its text would be new every minute.
    expect(it.open.get('clock.untrusted')).toBe(told)
    it.off = 0
    it.passes(1_000)
    expect(it.open.size).toBe(0)
  })

  test('is named as wrong where it is that of the Factory, by this machine and Kubernetes, and upgrades go on', () => {
    const it = machine()
    it.hears('the Image Factory', 10 * 365 * day)
    it.passes(5_000)
    expect(it.open.get('clock.untrusted')?.text).toContain('by the Image Factory it is 2036-')
    it.hears('the Kubernetes API', 0)
    it.passes(5_000)
    expect([...it.open.keys()]).toEqual(['clock.differs'])
    const told = it.open.get('clock.differs')
    expect(told?.text).toMatch(/^by the Image Factory it is 2036-.*, and so does the Kubernetes API\. Upgrades go on/)
    expect(told?.action).toContain('the clock of the Image Factory')
    expect(it.whyUntrusted()).toBeUndefined()
    it.passes(hour)
    expect(it.open.get('clock.differs')).toBe(told)
    it.hears('the Image Factory', 0)
    it.passes(5_000)
    expect(it.open.size).toBe(0)
  })

  test('wakes what waits when it is set, and when it is trusted after somebody has asked in vain', () => {
    const it = machine()
    expect(it.passes(5_000)).toBe(false)
    expect(it.whyUntrusted()).toContain('no server has confirmed yet')
    it.hear()
    expect(it.passes(5_000)).toBe(true)
    expect(it.passes(5_000)).toBe(false)
    it.off = -5 * hour
    expect(it.passes(5_000)).toBe(true)
    expect(it.passes(5_000)).toBe(false)
  })

  test('set back, it keeps no window open for longer and leaves no node alone for longer', () => {
    const it = machine()
    remembered.openUntil.remember(it.journal, it.truth + 2 * hour)
    remembered.blocked.remember(it.journal, { 'w-1': { until: it.truth + hour, why: 'a drain was refused' } })
    it.off = -5 * hour
    it.passes(1_000)
    expect(remembered.openUntil.recall(it.journal)).toBe(start - 3 * hour)
    expect(remembered.blocked.recall(it.journal)?.['w-1']?.until).toBe(start - 4 * hour)
  })
})
