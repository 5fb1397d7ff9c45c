import type { Role } from '../../src/core/cluster/cluster.ts'
import { english, type Wording } from '../../src/core/wording.ts'
import { startAgent, type StartedAgent } from './agent.ts'
import { fakeHomelab, type FakeHomelab } from './homelab.ts'
import { type Judge, judgeOf } from './judge.ts'
import { sentence } from './rollout.ts'
import { online } from './stories.ts'

/** Rollouts whose agent dies at one of their steps, and the next one that takes them up. */

export type Roles = Readonly<Record<string, Role>>

export interface Generation {
  readonly from: string
  readonly to: string
  readonly kubernetes: string
}

/** Both generations of Talos' API. */
export const generations: readonly Generation[] = [
  { from: 'v1.12.11', to: 'v1.13.9', kubernetes: 'v1.35.4' },
  { from: 'v1.13.9', to: 'v1.14.1', kubernetes: 'v1.36.3' },
]

export const clusters: Readonly<Record<string, Roles>> = {
  'three control planes and two workers': {
    'cp-1': 'controlplane',
    'cp-2': 'controlplane',
    'cp-3': 'controlplane',
    'w-1': 'worker',
    'w-2': 'worker',
  },
  'a single control plane and a worker': { 'cp-1': 'controlplane', 'w-1': 'worker' },
}

export function buildHomelab(roles: Roles, { from, to, kubernetes }: Generation): FakeHomelab {
  const homelab = fakeHomelab(roles, { version: from, versions: [from, to], bootTakes: 3 })
  homelab.kubernetesVersion = kubernetes
  return homelab
}

export async function getReady(it: StartedAgent): Promise<void> {
  await it.reads(online)
  await it.agent.idle()
  await it.run('watch-releases')
  await it.run('stage-image')
}

/** Runs until nothing is left to do, or until it goes round in circles. */
export async function finishRollout(it: StartedAgent): Promise<string> {
  let last = ''
  for (let run = 0; run < 200; run++) {
    const outcome = await it.run('upgrade-node')
    last = sentence(outcome)
    if (outcome.kind !== 'later') return last
  }
  return `never ends: ${last}`
}

/** The diary of a rollout that nothing disturbs. */
export async function undisturbedRollout(homelab: FakeHomelab): Promise<readonly string[]> {
  await using it = startAgent(homelab)
  await getReady(it)
  const begin = homelab.diary.length
  await finishRollout(it)
  return homelab.diary.slice(begin)
}

export interface Crash {
  readonly roles: Roles
  readonly generation: Generation
  readonly when: string
  /** The entry of an undisturbed diary, by its number. */
  readonly index: number
  readonly wording?: Wording
}

export interface CrashPlayed {
  readonly homelab: FakeHomelab
  readonly judge: Judge
  /** Where the second agent begins in the diary. */
  readonly cut: number
  /** What the second agent said last. */
  readonly said: string
}

export async function playCrash({ roles, generation, when, index, wording = english }: Crash): Promise<CrashPlayed> {
  const homelab = buildHomelab(roles, generation)
  const judge = judgeOf(homelab)
  {
    await using first = startAgent(homelab, { wording })
    await getReady(first)
    const died = Promise.withResolvers<void>()
    let seen = 0
    let dead = false
    homelab.before = async (entry) => {
      judge.look(entry)
      const isAt = seen++ === index
      // What a dead agent would have done next never happens.
      if (dead || (isAt && when === 'before')) {
        dead = true
        died.resolve()
        await new Promise(() => {})
      }
      if (isAt) dead = true
    }
    await Promise.race([died.promise, finishRollout(first).catch(() => {})])
  }
  const cut = homelab.diary.length
  homelab.before = (entry) => judge.look(entry)
  await using second = startAgent(homelab, { wording })
  await second.reads(online)
  return { homelab, judge, cut, said: await finishRollout(second) }
}
