import { describe, expect, test } from 'vitest'
import type { Role } from '../../src/core/cluster/cluster.ts'
import { startAgent, type StartedAgent } from '../fakes/agent.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { sentence } from '../fakes/rollout.ts'
import { judgeOf } from '../fakes/judge.ts'
import { online } from '../fakes/stories.ts'

/** The agent dies at every step of a rollout, for each role and both generations of Talos' API. */

const clusters: Readonly<Record<string, Readonly<Record<string, Role>>>> = {
  'three control planes and two workers': {
    'cp-1': 'controlplane',
    'cp-2': 'controlplane',
    'cp-3': 'controlplane',
    'w-1': 'worker',
    'w-2': 'worker',
  },
  'a single control plane and a worker': { 'cp-1': 'controlplane', 'w-1': 'worker' },
}
const generations = [
  { from: 'v1.12.11', to: 'v1.13.9', kubernetes: 'v1.35.4' },
  { from: 'v1.13.9', to: 'v1.14.1', kubernetes: 'v1.36.3' },
]
/** Each is what the homelab sees of the agent: an order, or a word on a node. */
const steps = ['pull-image', 'snapshot-etcd', 'cordon', 'drain', 'install', 'forfeit-leadership', 'reboot', 'uncordon']

function build(roles: Readonly<Record<string, Role>>, { from, to, kubernetes }: (typeof generations)[number]) {
  const homelab = fakeHomelab(roles, { version: from, versions: [from, to], bootTakes: 3 })
  homelab.kubernetesVersion = kubernetes
  return homelab
}

async function getReady(it: StartedAgent): Promise<void> {
  await it.reads(online)
  await it.agent.idle()
  await it.run('watch-releases')
  await it.run('stage-image')
}

/** Runs until nothing is left to do, or until it goes round in circles. */
async function finish(it: StartedAgent): Promise<string> {
  let last = ''
  for (let run = 0; run < 200; run++) {
    const outcome = await it.run('upgrade-node')
    if (outcome.kind !== 'later') return sentence(outcome)
    last = outcome.reason
  }
  return `never ends: ${last}`
}

/** The diary of a rollout that nothing disturbs. */
async function undisturbed(homelab: FakeHomelab): Promise<readonly string[]> {
  await using it = startAgent(homelab)
  await getReady(it)
  const begin = homelab.diary.length
  await finish(it)
  return homelab.diary.slice(begin)
}

for (const [cluster, roles] of Object.entries(clusters)) {
  for (const generation of generations) {
    const { from, to } = generation
    const entries = await undisturbed(build(roles, generation))
    describe(`in ${cluster}, from ${from} to ${to}`, () => {
      test('every kind of step is met', () => {
        const met = new Set(entries.map((entry) => entry.split(' ')[0]!))
        const older = from.startsWith('v1.12')
        const expected = steps
          .filter((step) => !(older && (step === 'pull-image' || step === 'install')))
          .filter((step) => step !== 'forfeit-leadership' || 'cp-2' in roles)
          .map((step) => (older && step === 'reboot' ? 'install-and-reboot' : step))
        expect([...met].toSorted()).toEqual(expected.toSorted())
      })

      test.each(entries.flatMap((entry, index) => ['before', 'after'].map((when) => [when, entry, index] as const)))(
        'an agent that dies %s "%s" (step %i) leaves work that the next one finishes',
        async (when, _, index) => {
          const homelab = build(roles, generation)
          const judge = judgeOf(homelab)
          {
            await using first = startAgent(homelab)
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
            await Promise.race([died.promise, finish(first).catch(() => {})])
          }
          const cut = homelab.diary.length
          homelab.before = (entry) => judge.look(entry)
          await using second = startAgent(homelab)
          await second.reads(online)
          expect(await finish(second)).toBe(`every node runs ${to}`)
          expect(judge.breaches).toEqual([])
          for (const { name, version, unschedulable, boots, mark, attempts } of homelab.machines.values()) {
            expect({ name, version, unschedulable, boots, mark, attempts }).toEqual({
              name,
              version: to,
              unschedulable: false,
              boots: 2,
              mark: undefined,
              attempts: undefined,
            })
          }
          // A node that was done is not emptied again.
          const done = new Set(
            homelab.diary.slice(0, cut).flatMap((entry) => (entry.startsWith('uncordon ') ? [entry.slice(9)] : [])),
          )
          const again = homelab.diary.slice(cut).filter((entry) => done.has(entry.replace('drain ', '')))
          expect(again).toEqual([])
        },
      )
    })
  }
}
