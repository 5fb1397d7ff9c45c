import { expect } from 'vitest'
import { waitFor } from '../lab/daemon.ts'
import { english, type Wording } from '../../src/core/wording.ts'
import { startAgent, type StartedAgent } from './agent.ts'
import { fakeHomelab, type FakeHomelab } from './homelab.ts'

/** On fakes everything happens within milliseconds. */
const soon = (what: string, isSo: () => boolean) => waitFor(what, 5_000, isSo, 10)

/** What the UPS says in these stories: the second is enough to shed load, the third to shut down. */
export const words = {
  mains: { status: ['OL'], charge: 90, runtime: 3_600_000 },
  battery: { status: ['OB', 'DISCHRG'], charge: 80, runtime: 3_000_000 },
  low: { status: ['OB', 'DISCHRG', 'LB'], charge: 15, runtime: 600_000 },
} as const

/**
 * A homelab with everything that a power cut touches: three control planes, a worker, one with storage, one that a person
 * has cordoned, one that is off, a NAS, a workload that can be spared, and a flag of Ceph's.
 */
export function wholeHomelab(upses: readonly string[] = ['ups']): FakeHomelab {
  const homelab = fakeHomelab(
    {
      'cp-1': 'controlplane',
      'cp-2': 'controlplane',
      'cp-3': 'controlplane',
      'w-1': 'worker',
      's-1': 'worker',
      'closed-1': 'worker',
      'off-1': 'worker',
    },
    { hosts: ['nas'], upses },
  )
  homelab.machine('closed-1').unschedulable = true
  homelab.machine('off-1').up = false
  homelab.scalables.push({
    kind: 'Deployment',
    namespace: 'media',
    name: 'films',
    labels: { tier: 'batch' },
    replicas: 3,
  })
  homelab.storageSettings.push({ system: 'ceph', namespace: 'rook-ceph', name: 'noout', value: 'unset', during: 'set' })
  homelab.storage = { ...homelab.storage, systems: ['ceph'] }
  return homelab
}

export function startWhole(homelab: FakeHomelab, wording: Wording = english): StartedAgent {
  return startAgent(homelab, {
    wording,
    hosts: [{ name: 'nas', nas: true, shutdownTimeout: '1s' }],
    node: (name) => (name === 's-1' ? { storage: true } : {}),
    power: { shed: [{ selector: 'tier=batch' }], shedAfter: '0s', shutdownTimeout: '200ms' },
  })
}

export const stageOf = ({ ports }: FakeHomelab) => ports.journal.outages(1)[0]?.stage

/** The power fails, and then comes back: nothing disturbs either. Answers the diary, and where the way back begins in it. */
export async function undisturbed(
  wording: Wording = english,
): Promise<{ readonly diary: readonly string[]; readonly backAt: number }> {
  const homelab = wholeHomelab()
  await using it = startWhole(homelab, wording)
  await failPower(it, homelab)
  await allOff(homelab)
  const backAt = homelab.diary.length
  await it.reads(words.mains)
  await allBack(homelab)
  return { diary: homelab.diary, backAt }
}

/** Mains, then the battery for long enough to shed load, then a battery that is low. */
export async function failPower(it: StartedAgent, homelab: FakeHomelab): Promise<void> {
  await it.reads(words.mains)
  await it.reads(words.battery)
  await soon('the load to be shed', () => homelab.diary.includes('scale media/films to 0'))
  await it.agent.idle()
  await it.reads(words.low)
}

/** The battery is about to end: whatever still runs then loses its data. */
export async function allOff(homelab: FakeHomelab): Promise<void> {
  const running = () => [
    ...[...homelab.machines.values()].filter(({ up }) => up).map(({ name }) => name),
    ...[...homelab.hosts].filter(([, { up }]) => up).map(([name]) => name),
  ]
  await soon('everything to be off', () => running().length === 0 && stageOf(homelab) === 'stopped').catch(
    (error: unknown) => {
      throw new Error(`still up: ${running().join(', ')}; ${stageOf(homelab)}; ${homelab.diary.join(', ')}`, {
        cause: error,
      })
    },
  )
}

/** Everything is as it was before, and nothing is ours any more. */
export async function allBack(homelab: FakeHomelab): Promise<void> {
  await soon('the outage to be over', () => stageOf(homelab) === 'over').catch((error: unknown) => {
    throw new Error(`not over: ${JSON.stringify(homelab.ports.journal.outages(1)[0])}; ${homelab.diary.join(', ')}`, {
      cause: error,
    })
  })
  expectUntouched(homelab)
}

export function expectUntouched(homelab: FakeHomelab, off = 'off-1'): void {
  const machines = [...homelab.machines.values()]
  expect(machines.map(({ name, up, unschedulable, mark }) => ({ name, up, unschedulable, mark }))).toEqual(
    machines.map(({ name }) => ({
      name,
      up: name !== off,
      unschedulable: name === 'closed-1',
      mark: undefined,
    })),
  )
  expect(homelab.hosts.get('nas')).toMatchObject({ up: true })
  expect(homelab.scalables.map(({ replicas }) => replicas)).toEqual([3])
  expect(homelab.storageSettings.map(({ value }) => value)).toEqual(['unset'])
  const foreign = homelab.diary.filter(
    (entry) => /^(un)?cordon closed-1$/.test(entry) || new RegExp(`(shut-down|wake) ${off}$`).test(entry),
  )
  expect(foreign).toEqual([])
}

/** How the power is when the next agent comes, and whether it hears of it at once. */
export type Aftermath = 'on battery' | 'on mains' | 'silent, then on battery' | 'silent, then on mains'

export interface Kill {
  readonly when: 'before' | 'after'
  /** The entry of an undisturbed diary, by its number. */
  readonly index: number
  /** Where the way back begins in it. */
  readonly backAt: number
  readonly aftermath: Aftermath
  readonly wording?: Wording
}

/** An outage whose agent is killed at one of its steps, and the next one that takes it up. Answers the homelab at its end. */
export async function playKill({ when, index, backAt, aftermath, wording = english }: Kill): Promise<FakeHomelab> {
  const homelab = wholeHomelab()
  await untilKilled(homelab, startWhole(homelab, wording), { when, index, backAt })
  homelab.before = undefined
  await using second = startWhole(homelab, wording)
  if (aftermath.startsWith('silent')) {
    await second.silent(20_000)
    await second.silent(20_000)
    await second.agent.idle()
  }
  if (aftermath.endsWith('battery')) {
    await second.reads(words.low)
    await allOff(homelab)
  }
  await second.reads(words.mains)
  if (homelab.ports.journal.openOutage()) await allBack(homelab)
  await second.agent.idle()
  await soon('everything to be as before', () => {
    try {
      expectUntouched(homelab)
      return true
    } catch {
      return false
    }
  }).catch(() => expectUntouched(homelab))
  return homelab
}

async function untilKilled(
  homelab: FakeHomelab,
  first: StartedAgent,
  { when, index, backAt }: Pick<Kill, 'when' | 'index' | 'backAt'>,
): Promise<void> {
  const died = Promise.withResolvers<void>()
  let seen = 0
  homelab.before = async () => {
    const isAt = seen++ === index
    if (!isAt) return
    if (when === 'before') {
      first.die()
      died.resolve()
      await new Promise(() => {})
    }
    // The order arrives, and nobody hears of it any more.
    queueMicrotask(() => {
      first.die()
      died.resolve()
    })
  }
  const story = async () => {
    await failPower(first, homelab)
    if (index < backAt) return died.promise
    await soon('everything to be told', () => stageOf(homelab) === 'stopped')
    await first.reads(words.mains)
    await soon('the end', () => stageOf(homelab) === 'over')
  }
  // A dead agent's story ends nowhere.
  await Promise.race([died.promise, story().catch(() => died.promise)])
  first.die()
  void first.agent.stop()
}
