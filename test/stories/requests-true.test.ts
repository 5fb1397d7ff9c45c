import { describe, expect, test } from 'vitest'
import type { RolloutAnswer } from '../../src/core/operator.ts'
import { createRandom, type Random } from '../core/random.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import type { FakeMachine } from '../fakes/machine.ts'
import type { Person } from '../fakes/person.ts'
import { begin } from '../fakes/rollout.ts'
import { three, two } from '../fakes/stories.ts'

/**
 * Random states of a rollout, one request of a person in each, and days of decisions after it: what was answered still
 * holds then. `SEED=17 npm test -- test/stories/requests-true` plays one of them again, `SEEDS=2000` more of them.
 */

const seeds = process.env['SEED']
  ? [Number(process.env['SEED'])]
  : Array.from({ length: Number(process.env['SEEDS'] ?? 150) }, (_, seed) => seed)

const day = 86_400_000
/** What there is, and what there is not. */
const exists = ['v1.13.8', 'v1.13.9', 'v1.13.10', 'v1.14.0', 'v1.14.1']
const named = [undefined, undefined, undefined, ...exists, 'v7.7.7', 'v1.14.2', 'newest']

type At = Awaited<ReturnType<typeof begin>> & { readonly homelab: FakeHomelab }

/** A homelab before, in, or after a rollout, with whatever people have requested so far. */
async function anyState(random: Random, clock: { at: number }): Promise<At> {
  const versions = ['v1.13.8', 'v1.13.9', ...(random.chance(0.7) ? ['v1.14.0'] : [])]
  const homelab = fakeHomelab(random.pick([two, three]), { version: 'v1.13.8', versions })
  const soak = random.pick(['0s', '3d', '3d'])
  const upgrade = { soak, approval: random.pick(['none', 'none', 'always', 'minor']), rebootTimeout: '60ms' }
  const it = await begin(homelab, { upgrade, now: () => new Date(clock.at) })
  for (let step = random.below(4); step > 0; step--) await it.next()
  clock.at += random.pick([0, day, 4 * day])
  homelab.versions.push(...random.pick([[], ['v1.13.10'], ['v1.14.1'], ['v1.13.10', 'v1.14.1']]))
  await it.run('watch-releases')
  await it.run('stage-image')
  for (let step = random.below(6); step > 0; step--) await it.next()
  if (random.chance(0.15)) await it.control.approve().catch(() => {})
  if (random.chance(0.1)) await it.control.abort().catch(() => {})
  if (random.chance(0.1)) await it.control.pause('guests')
  if (random.chance(0.1)) homelab.machine('w-1').attempts = { release: 'v1.14.0', count: 3, failure: 'no' }
  return { ...it, homelab }
}

/** Days of the jobs that decide. */
async function live(at: At, clock: { at: number }): Promise<void> {
  for (let round = 0; round < 8; round++) {
    await at.run('watch-releases')
    await at.run('stage-image').catch(() => {})
    for (let step = 0; step < 3; step++) await at.next().catch(() => {})
    clock.at += day
  }
}

const requests: Readonly<Record<string, (person: Person, random: Random) => Promise<{ said: string }>>> = {
  abort: (person, random) => person.abort(random.pick(named)),
  approve: (person, random) => person.approve(random.pick(named)),
  pause: (person) => person.pause('paused: holidays'),
  resume: (person) => person.resume(),
  start: (person) => person.start(),
  'pause a node': (person) => person.pauseNode('w-1', 'a guest'),
  'retry a node': (person) => person.retry('w-1'),
  'roll back': (person) => person.rollback('w-1'),
}

/** What a node is, and what it is to become: whatever is under way there may be finished. */
const begunOf = ({ mark, installed, version }: FakeMachine) =>
  new Set([version, installed.version, ...(mark?.release === undefined ? [] : [mark.release])])

interface Before {
  readonly rollout: RolloutAnswer
  readonly begun: ReadonlyMap<string, ReadonlySet<string>>
  readonly versions: readonly string[]
}

interface After {
  readonly rollout: RolloutAnswer
  readonly homelab: FakeHomelab
}

/** What the answer promises, each with a test of it. Undefined where the promise is kept. */
const promises: readonly {
  readonly says: RegExp
  readonly broken: (found: RegExpExecArray, before: Before, after: After) => string | undefined
}[] = [
  {
    says: /the rollout of (v\S+) (?:is|was already) aborted/,
    broken: ([, version], { begun }, { rollout, homelab }) => {
      if (!rollout.aborted.some(({ release }) => release === version)) return `${version} is no longer aborted`
      const late = [...homelab.machines.values()].find(
        (machine) => machine.version === version && !begun.get(machine.name)!.has(version),
      )
      return late && `${late.name} was begun`
    },
  },
  {
    says: /^(v\S+) (?:is|was already) approved/,
    broken: ([, version], _, { rollout }) => {
      if (rollout.approved !== version) return `${rollout.approved} is approved`
      const { plan } = rollout
      return plan.version === version && plan.toApprove.length > 0 ? 'it waits for approval' : undefined
    },
  },
  {
    says: /there is no(?:thing to approve| rollout to abort): (?:every node runs|no node runs anything older than) (v\S+?)(?:;|$)/,
    broken: ([, version], { begun }) =>
      [...begun.values()].some((found) => found.has('v1.13.8') && version !== 'v1.13.8') ? 'there was one' : undefined,
  },
  {
    says: /^rollouts (?:are|were already) paused: holidays$/,
    broken: (_, { begun }, { rollout, homelab }) => {
      if (rollout.paused?.reason !== 'holidays') return `paused: ${rollout.paused?.reason}`
      const late = [...homelab.machines.values()].find((one) => !begun.get(one.name)!.has(one.version))
      return late && `${late.name} was begun`
    },
  },
  {
    says: /^w-1 (?:is|was already) paused: a guest$/,
    broken: (_, { begun }, { homelab }) => {
      const { paused, version } = homelab.machine('w-1')
      return paused === 'a guest' && begun.get('w-1')!.has(version) ? undefined : `${paused}, ${version}`
    },
  },
  {
    says: /^w-1 will be rolled back from (v\S+)(?: to (v\S+))?$/,
    // A newer release may come after that: it is another rollout.
    broken: ([, from], _, { homelab }) => {
      if (!homelab.diary.includes('roll-back w-1')) return 'it was not'
      return homelab.machine('w-1').version === from ? `it runs ${from} again` : undefined
    },
  },
]

async function play(seed: number) {
  const random = createRandom(seed)
  const clock = { at: Date.parse('2026-03-01T00:00:00Z') }
  await using at = await anyState(random, clock)
  const { homelab, control } = at
  const before: Before = {
    rollout: await control.rollout(),
    begun: new Map([...homelab.machines.values()].map((one) => [one.name, begunOf(one)])),
    versions: [...homelab.versions],
  }
  const entries = () => JSON.stringify(homelab.ports.journal.entries(1_000))
  const written = entries()
  const request = random.pick(Object.keys(requests))
  const outcome = await requests[request]!(control, random).then(
    ({ said }) => ({ said, code: undefined }),
    (error: { message: string; code: string }) => ({ said: error.message, code: error.code }),
  )
  const changedNothing = entries() === written
  await live(at, clock)
  const after: After = { rollout: await control.rollout(), homelab }
  return { seed, request, ...outcome, before, after, changedNothing }
}

type Played = Awaited<ReturnType<typeof play>>

const lies = ({ said, code, before, after, changedNothing }: Played): string[] => {
  if (code !== undefined) return changedNothing ? [] : ['it was refused, and something changed']
  return promises.flatMap(({ says, broken }) => {
    const found = says.exec(said)
    const why = found ? broken(found, before, after) : undefined
    return why === undefined ? [] : [why]
  })
}

describe(`in ${seeds.length} states of a rollout`, async () => {
  const played: Played[] = []
  for (const seed of seeds) played.push(await play(seed))
  const show = (found: readonly Played[]) =>
    found
      .slice(0, 5)
      .map((one) => ({ replay: `SEED=${one.seed}`, request: one.request, said: one.said, lies: lies(one) }))

  test('what a request answered still holds days later, and a refusal changed nothing', () => {
    expect(show(played.filter((one) => lies(one).length > 0))).toEqual([])
  })

  test('an abort without a release names what was coming, and nothing that was coming goes on unnamed', () => {
    const aborts = played.filter(({ said }) =>
      /^the rollout of \S+ is aborted|^there is no rollout to abort/.test(said),
    )
    const unnamed = aborts.filter(({ said, before: { rollout } }) => {
      const { release, order, version } = rollout.plan
      const coming = order.length > 0 ? version : release.kind === 'current' ? undefined : release.version
      return coming !== undefined && !said.includes(coming)
    })
    expect(show(unnamed)).toEqual([])
  })

  test('what does not exist is refused, whatever the state', () => {
    const accepted = played.filter(({ said, code }) => code === undefined && /v7\.7\.7|newest/.test(said))
    expect(show(accepted)).toEqual([])
  })

  test('the states and requests are of many kinds', () => {
    if (seeds.length < 100) return
    const kinds = new Set(played.map(({ request, code }) => `${request}: ${code ?? 'taken'}`))
    expect(kinds).toContain('abort: not-found')
    expect(kinds).toContain('approve: not-found')
    expect(kinds.size).toBeGreaterThan(9)
  })
})
