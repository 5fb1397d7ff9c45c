import { describe, expect, test } from 'vitest'
import { phaseTitles } from '../../src/core/phase-id.ts'
import { english, type Wording } from '../../src/core/wording.ts'
import { AgentError } from '../../src/core/errors.ts'
import { createRandom } from '../core/random.ts'
import { buildHomelab, clusters, generations, playCrash, undisturbedRollout } from '../fakes/crash-stories.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { playKill, type Aftermath, undisturbed } from '../fakes/outage-stories.ts'
import { begin, offered } from '../fakes/rollout.ts'
import { onBattery, online, two } from '../fakes/stories.ts'

/**
 * Nothing that the agent does hangs on what people read: with every title of a phase and every description of a step
 * replaced by random text, other phases' titles among it, the homelab sees the same calls in the same order.
 */

/** A text of its own at each question; every other one is what a person would take for another phase. */
function nonsense(seed: number): Wording {
  const random = createRandom(seed)
  const titles = Object.values(phaseTitles)
  const text = () => (random.chance(0.5) ? random.pick(titles) : random.below(1e9).toString(36))
  return { titleOf: text, describeStep: text }
}

/** One kill at each step, before it and after it by turns; `npm run soak` plays all of them. */
const isPlayed = (...turns: readonly number[]) =>
  process.env['SEEDS'] !== undefined || turns.reduce((sum, turn) => sum + turn, 0) % 2 === 0

const crashes = Object.entries(clusters).flatMap(([cluster, roles]) =>
  generations.map((generation) => ({ cluster, roles, generation })),
)

describe.each(crashes)('in $cluster, from $generation.from', async ({ roles, generation }) => {
  const entries = await undisturbedRollout(buildHomelab(roles, generation))

  const kills = entries.flatMap((entry, index) =>
    ['before', 'after'].flatMap((when, turn) => (isPlayed(index, turn) ? [{ when, entry, index }] : [])),
  )
  test.each(kills)(
    'a rollout that crashes $when "$entry" (step $index) goes on with the same calls whatever titles say',
    async ({ when, index }) => {
      const crash = { roles, generation, when, index }
      const plain = await playCrash(crash)
      const random = await playCrash({ ...crash, wording: nonsense(index) })
      expect(random.homelab.diary).toEqual(plain.homelab.diary)
    },
  )
})

type Comes = (it: Awaited<ReturnType<typeof begin>>) => Promise<unknown>
const disturbances: readonly { readonly what: string; readonly comes: Comes }[] = [
  { what: 'a failing battery', comes: (it) => it.reads(onBattery) },
  { what: 'a pause', comes: (it) => it.control.pause('by me') },
  { what: 'an abort', comes: (it) => it.control.abort() },
  { what: 'a request to roll w-1 back', comes: (it) => it.control.rollback('w-1', true) },
  { what: 'a call that is refused', comes: () => Promise.reject(new AgentError('rejected', 'no')) },
  { what: 'a call that nobody answers', comes: () => Promise.reject(new AgentError('unreachable', 'nobody')) },
]

/**
 * A rollout that something disturbs before one of its steps, and that goes on later. Answers what the homelab saw, and
 * how many attempts nodes remember after each run.
 */
async function playDisturbed(comes: Comes, index: number, wording: Wording): Promise<readonly string[]> {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab, { wording })
  let seen = 0
  homelab.before = async () => {
    if (seen++ === index) await comes(it)
  }
  const attempts: string[] = []
  async function runs(count: number): Promise<void> {
    for (let run = 0; run < count; run++) {
      await it.run('upgrade-node')
      for (const one of homelab.machines.values()) attempts.push(`${one.name}: ${one.attempts?.count ?? 0} attempts`)
    }
  }
  await runs(8)
  await it.reads(online)
  await it.control.start()
  await it.control.retry(undefined)
  await runs(8)
  return [...homelab.diary, ...attempts]
}

describe.each(disturbances)('$what', async ({ comes }) => {
  const calm = await playDisturbed(async () => {}, 0, english)
  const entries = calm.filter((entry) => !entry.endsWith('attempts'))

  test.each(entries.map((entry, index) => ({ entry, index })))(
    'before "$entry" (step $index) stops the same phases whatever their titles are',
    async ({ index }) => {
      const plain = await playDisturbed(comes, index, english)
      expect(await playDisturbed(comes, index, nonsense(index))).toEqual(plain)
    },
  )

  test('makes a difference: the calls are not those of a rollout that nothing disturbs', async () => {
    const different = []
    for (const index of entries.keys())
      if ((await playDisturbed(comes, index, english)).join() !== calm.join()) different.push(index)
    expect(different.length).toBeGreaterThan(entries.length / 4)
  })
})

/** What was done to each machine and thing, in order: what is done to several at once has no order among them. */
function byMachine({ diary }: { readonly diary: readonly string[] }): Readonly<Record<string, readonly string[]>> {
  const histories: Record<string, string[]> = {}
  for (const entry of diary) {
    const [what = '', ...about] = entry.split(' ')
    const history = (histories[about.join(' ')] ??= [])
    // A magic packet is sent until it is answered.
    if (history.at(-1) !== what) history.push(what)
  }
  return histories
}

describe.concurrent('an outage', async () => {
  const { diary, backAt } = await undisturbed()
  const aftermaths: readonly Aftermath[] = ['on battery', 'on mains']

  test('goes its way with the same calls whatever titles say', async () => {
    const random = await undisturbed(nonsense(1))
    expect(random.diary.slice(0, random.backAt)).toEqual(diary.slice(0, backAt))
    expect(byMachine(random)).toEqual(byMachine({ diary }))
  })

  test.each(
    diary.flatMap((entry, index) =>
      aftermaths.flatMap((aftermath, other) =>
        (['before', 'after'] as const).flatMap((when, turn) =>
          isPlayed(index, other, turn) ? [{ when, entry, index, aftermath }] : [],
        ),
      ),
    ),
  )(
    'whose agent is killed $when "$entry" (step $index) goes on $aftermath with the same calls whatever titles say',
    async ({ when, index, aftermath }) => {
      const kill = { when, index, backAt, aftermath }
      const plain = await playKill(kill)
      const random = await playKill({ ...kill, wording: nonsense(index) })
      expect(byMachine(random)).toEqual(byMachine(plain))
    },
  )
})
