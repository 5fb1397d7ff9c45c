import { fakeHomelab } from '../../fakes/homelab.ts'
import { type StartedAgent, startAgent, type StartOptions } from '../../fakes/agent.ts'
import { onBattery, online, two } from '../../fakes/stories.ts'
import type { Condition } from './life.ts'

type Said = Parameters<StartedAgent['reads']>[0]
/** One answer of a UPS, or its silence, so many ms after the one before. */
type Heard = readonly [Said | 'silence', afterMs?: number]

const minute = 60_000
const hour = 60 * minute

interface Told {
  /** What it says until the alert opens. */
  readonly begins: readonly Heard[]
  /** The first that the next process hears; else the last of them. */
  readonly still?: Heard
  readonly ends?: readonly Heard[]
  readonly power?: StartOptions['power']
  /** It is about the power as a whole. */
  readonly isOfAll?: boolean
}

/** A condition that a UPS tells of. */
function told({
  begins,
  still = begins.at(-1)!,
  ends = [[online]],
  power = {},
  isOfAll = false,
}: Told): () => Condition {
  return () => {
    const homelab = fakeHomelab(two)
    let isSo = false
    let hasBegun = false
    return {
      ...(isOfAll ? {} : { name: 'ups' }),
      begin: () => void (isSo = true),
      end: () => void (isSo = false),
      start: ({ journal, alerts }) => {
        Object.assign(homelab.ports, { journal })
        const it = startAgent(homelab, { alerts, power })
        return {
          look: async () => {
            const words = isSo ? (hasBegun ? [still] : begins) : ends
            if (isSo) hasBegun = true
            for (const [said, afterMs] of words) {
              if (said === 'silence') await it.silent(afterMs)
              else await it.reads(said, afterMs)
            }
            await it.agent.idle()
          },
          die: it.die,
        }
      },
    }
  }
}

const doubtful: Said = { ...online, doubts: { runtime: { reported: 0, why: 'no battery lasts for so short a time' } } }
const lowOnMains: Said = { status: ['OL', 'LB'], charge: 12, runtime: 90_000 }
const says = (...status: readonly string[]): Heard => [{ ...online, status }]
const silences: readonly Heard[] = [[online], ['silence', 10 * minute]]

export const upsConditions = {
  'ups.alarm': told({ begins: [[{ ...online, status: ['OL', 'ALARM'], alarm: 'Replace me' }]] }),
  'ups.bypass': told({ begins: [says('OL', 'BYPASS')] }),
  'ups.disarmed': 'one for each trigger: `ups.disarmed.low-charge` is tested for all of them',
  'ups.falling': told({
    begins: [[{ status: ['OL', 'DISCHRG'] }], [{ status: ['OL', 'DISCHRG'] }, 6 * minute]],
    still: [{ status: ['OL', 'DISCHRG'] }],
  }),
  'ups.figures': told({
    begins: [[doubtful], [doubtful, 2 * minute]],
    still: [doubtful],
  }),
  'ups.forced': 'after a restart FSD on mains power is what an agent finds: `ups.latched`',
  'ups.latched': told({ begins: [says('OL', 'FSD')] }),
  'ups.low': told({ begins: [[lowOnMains], [lowOnMains, 3 * hour]], still: [lowOnMains] }),
  'ups.off': told({ begins: [says('OL', 'OFF')] }),
  'ups.overload': told({ begins: [says('OL', 'OVER')] }),
  'ups.replace': told({ begins: [says('OL', 'RB')] }),
  'ups.short': told({ begins: [[{ ...online, runtime: 60_000 }]], power: { minimumRuntime: '10m' } }),
  'ups.silent': told({ begins: silences }),
  'ups.unclear': told({ begins: [[online], [{ status: ['CHRG'] }, minute], [{ status: ['CHRG'] }, hour]] }),
  'ups.unsteady': told({
    begins: [...silences, ...silences, ...silences, [online]],
    ends: Array.from({ length: 26 }, (): Heard => [online, hour]),
  }),
  'ups.words': told({ begins: [says('OL', 'OLBOOST')] }),
  'power.flapping': told({
    begins: [[online], [onBattery], [online], [onBattery], [online], [onBattery], [online]],
    ends: [[online], [online, 11 * minute]],
    isOfAll: true,
  }),
  'power.failed': 'told a moment after the reading: test/stories/power-told.test.ts',
} as const

/** Of the triggers that a UPS can't serve one for all. */
export const disarmed = told({ begins: [[{ status: ['OL'], runtime: 3_600_000 }]], power: { minimumCharge: 30 } })
