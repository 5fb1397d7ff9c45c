import { describe, expect, test } from 'vitest'
import { buildHomelab, clusters, generations, playCrash, undisturbedRollout } from '../fakes/crash-stories.ts'

/** The agent dies at every step of a rollout, for each role and both generations of Talos' API. */

/** Each is what the homelab sees of the agent: an order, or a word on a node. */
const steps = ['pull-image', 'snapshot-etcd', 'cordon', 'drain', 'install', 'forfeit-leadership', 'reboot', 'uncordon']

for (const [cluster, roles] of Object.entries(clusters)) {
  for (const generation of generations) {
    const { from, to } = generation
    const entries = await undisturbedRollout(buildHomelab(roles, generation))
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
          const { homelab, judge, cut, said } = await playCrash({ roles, generation, when, index })
          expect(said).toBe(`every node runs ${to}`)
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
          // A node that was done is not drained again.
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
