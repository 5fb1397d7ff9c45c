import type { Facts } from '../../../src/core/known-facts.ts'
import type { Sample } from '../../../src/core/metrics/metric.ts'
import type { UpsAnswer } from '../../../src/core/power/answers.ts'

export const now = new Date('2026-11-27T02:00:00Z')

/** A daemon that has only just started; what is chosen is different. */
export function factsOf({ known, rollout, releases, ...others }: PartialFacts = {}): Facts {
  return {
    now,
    known: {
      version: '0.1.0',
      cluster: undefined,
      staged: undefined,
      running: [],
      steps: [],
      queue: undefined,
      services: [],
      configuration: undefined,
      ...known,
    },
    power: { upses: [], shutdownRequestedAt: undefined },
    shutdown: undefined,
    alerts: [],
    waiting: [],
    channels: [],
    isJournalDegraded: false,
    releases: { target: undefined, coming: undefined, offered: [], withdrawn: [], firstSeen: new Map(), ...releases },
    rollout: {
      isEnabled: true,
      isPaused: false,
      windows: [],
      timeZone: 'UTC',
      openUntil: undefined,
      waitsAt: undefined,
      newest: undefined,
      ...rollout,
    },
    outage: undefined,
    boots: [],
    ...others,
  }
}

interface PartialFacts extends Partial<Omit<Facts, 'known' | 'rollout' | 'releases'>> {
  readonly known?: Partial<Facts['known']>
  readonly rollout?: Partial<Facts['rollout']>
  readonly releases?: Partial<Facts['releases']>
}

export function upsOf(label: string, state: Partial<UpsAnswer['state']> = {}): UpsAnswer {
  return {
    label,
    state: { mode: 'on-mains', since: '2026-11-27T01:00:00Z', forMs: 3_600_000, ...state },
    loginRefused: undefined,
    silentForMs: undefined,
    driver: undefined,
    triggers: [],
  }
}

/** The values of one family, by their labels: `{ 'cp-1': 1 }`. */
export function valuesOf(samples: readonly Sample[], family: string): Readonly<Record<string, number>> {
  const own = samples.filter((sample) => sample.family === family)
  return Object.fromEntries(own.map(({ labels, value }) => [Object.values(labels).join(' '), value]))
}

/** What of several is 1. */
export function chosenIn(samples: readonly Sample[], family: string): readonly string[] {
  return Object.entries(valuesOf(samples, family)).flatMap(([labels, value]) => (value === 1 ? [labels] : []))
}
