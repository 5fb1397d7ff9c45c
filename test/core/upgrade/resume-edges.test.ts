import { describe, expect, test } from 'vitest'
import type { CordonMark, Node } from '../../../src/core/cluster/cluster.ts'
import { decideUpgrade } from '../../../src/core/upgrade/decide.ts'
import type { Circumstances } from '../../../src/core/upgrade/gates.ts'
import type { NetworkBoot } from '../../../src/core/upgrade/policy.ts'
import { armedEntries, clusterOf, type NodeChoices, schematic, worker } from '../cluster/nodes.ts'
import { calm, outline, policy, stepsOf, summary, target } from './rollout.ts'
import { decide, finish, mark, noteAndUncordon, reached, rebooting, rebootOnly, unfinished } from './unfinished.ts'

const [ours, other] = ['a1'.repeat(16), 'b2'.repeat(16)]
const said = (node: Node, circumstances: Partial<Circumstances> = {}) => summary(decide(node, circumstances))
/** What is done to the node and why, or what is waited for. */
function told(node: Node, circumstances: Partial<Circumstances> = {}): string {
  const decision = decide(node, circumstances)
  const [one] = decision.kind === 'go' ? decision.nodes : []
  return one ? `${one.intent}: ${one.reason}` : summary(decision)
}

describe('a node that carries our mark, and may be another machine than the one that was cordoned', () => {
  const known: CordonMark = { ...rebooting, machineId: ours }
  const at = (machineId: string | undefined, identity: NonNullable<NodeChoices['identity']>, cordon = known): Node => ({
    ...unfinished(cordon, { bootId: 'boot-2', ...reached, ...(machineId === undefined ? {} : { machineId }) }),
    identity,
  })
  const replaced = `stuck: w-2 was replaced or reinstalled after it was cordoned (another machine answers at its address: its machine id is ${other}, not ${ours}): accept it with \`kubectl uncordon w-2\``
  const elsewhere = { kind: 'another', as: 'w-3', machineId: other } as const
  test.each<{ name: string; node: Node; expected: string }>([
    {
      name: 'is for a person to accept, where it is that node now',
      node: at(other, { kind: 'same' }),
      expected: replaced,
    },
    {
      name: 'is for a person to accept, where Kubernetes has not heard of its boot yet',
      node: at(other, { kind: 'late' }),
      expected: replaced,
    },
    {
      name: 'is waited for, where an address leads to another node',
      node: at(other, elsewhere),
      expected: `wait: w-2, which is being upgraded: another machine answers at its address: its machine id is ${other}, not ${ours}`,
    },
    {
      name: 'is waited for, where its mark does not say which machine it was',
      node: at(other, elsewhere, rebooting),
      expected:
        'wait: w-2, which is being upgraded: is not the machine that answers at its address: that is w-3 (machine id b2b2b2b2…). Correct the addresses in caretaker.yaml or in DHCP',
    },
    {
      name: 'is finished where it is registered under another name, which is seen to afterwards',
      node: at(ours, { kind: 'renamed', as: 'w-3', machineId: ours }),
      expected: 'go w-2',
    },
    { name: 'is finished where it is the same', node: at(ours, { kind: 'same' }), expected: 'go w-2' },
    { name: 'is finished where nothing tells', node: at(undefined, { kind: 'unknown' }), expected: 'go w-2' },
  ])('$name', ({ node, expected }) => {
    expect(said(node)).toBe(expected)
  })

  test('is measured by the role that it is configured with', () => {
    const as = (machineType: 'worker' | 'controlplane') =>
      said(unfinished(known, { machineId: ours, machineType, ...reached, bootId: 'boot-2' }))
    expect(as('worker')).toBe('go w-2')
    expect(as('controlplane')).toMatch(/^stuck: w-2 was replaced .*it runs as a controlplane, not as a worker/)
  })
})

describe('a node that was being rolled back, and that nobody asks for any more', () => {
  const ordered: CordonMark = { ...rebooting, release: 'v1.13.8', schematic, back: true }
  const { rebooting: _, ...begun } = ordered
  test.each<{ name: string; node: Node; expected: string }>([
    {
      name: 'is taken back where it has gone back',
      node: unfinished(ordered, { bootId: 'boot-2', version: 'v1.13.7' }),
      expected: 'rollback: w-2 was rolled back to v1.13.7',
    },
    {
      name: 'is uncordoned where it has booted what it was to leave, and is well',
      node: unfinished(ordered, { bootId: 'boot-2' }),
      expected: 'release: w-2 runs v1.13.8, and is being uncordoned',
    },
    {
      name: 'is waited for where it has booted what it was to leave, and is not well',
      node: unfinished(ordered, { bootId: 'boot-2', ready: false }),
      expected: 'rollback: w-2 has rebooted to be rolled back, but it booted v1.13.8 again',
    },
    {
      name: 'is uncordoned where it never rebooted',
      node: unfinished(ordered),
      expected: 'release: w-2 was not rolled back',
    },
    {
      name: 'is uncordoned where it was never ordered to reboot, whatever has rebooted it',
      node: unfinished(begun, { bootId: 'boot-2', version: 'v1.13.7' }),
      expected: 'release: w-2 was not rolled back',
    },
    {
      name: 'stays cordoned while it is armed',
      node: unfinished(begun, { ...armedEntries }),
      expected: 'wait: w-2, which is being rolled back, is armed: disarm it with `caretaker rollback w-2`',
    },
    {
      name: 'stays cordoned while it is not well',
      node: unfinished(begun, { ready: false, unmet: ['kubelet'] }),
      expected: 'wait: w-2, which is being rolled back, is not ready (kubelet)',
    },
    {
      name: 'is not taken for one that is upgraded while it is silent',
      node: unfinished(ordered, 'silent'),
      expected: 'wait: w-2, which is being rolled back, does not answer (no route to host)',
    },
    {
      name: 'is not taken for one that is upgraded where another machine answers',
      node: { ...unfinished(ordered), identity: { kind: 'another', as: 'w-3', machineId: other } },
      expected: expect.stringMatching(/^wait: w-2, which is being rolled back: is not the machine/) as string,
    },
  ])('$name', ({ node, expected }) => {
    expect(told(node)).toEqual(expected)
  })
})

describe('a node that has its release', () => {
  const done = { ...reached, bootId: 'boot-2' }
  const failed = (count: number) => ({ attempts: { release: 'v1.13.9', count, failure: 'it is not ready' } })
  test.each<{ name: string; node: Node; expected: string }>([
    {
      name: 'is verified once more after a failure that the policy allows',
      node: unfinished(rebooting, done, failed(1)),
      expected: 'resume: w-2 runs v1.13.9 and is about to be uncordoned',
    },
    {
      name: 'is for a person after as many failures as the policy allows',
      node: unfinished(rebooting, done, failed(2)),
      expected: expect.stringMatching(
        /^stuck: w-2 runs v1\.13\.9, but failed verification \(it is not ready\)/,
      ) as string,
    },
    {
      name: 'without a reboot is waited for while it is not well',
      node: unfinished(mark, { ...reached, ready: false, unmet: ['kubelet'] }),
      expected: 'wait: w-2, which was being upgraded, is not ready (kubelet)',
    },
  ])('$name', ({ node, expected }) => {
    expect(told(node)).toEqual(expected)
  })
})

describe('a node on its way', () => {
  test.each<{ name: string; node: Node; expected: readonly string[] }>([
    {
      name: 'that the one call of Talos 1.12 works on, is waited for',
      node: unfinished(rebooting, { stage: 'upgrading' }),
      expected: finish,
    },
    {
      name: 'that reboots without an order of ours, is not finished by its mark',
      node: unfinished(mark, { stage: 'rebooting' }),
      expected: [],
    },
    {
      name: 'that reboots once more after it has left its boot, is not finished before it is up',
      node: unfinished(rebooting, { stage: 'rebooting', bootId: 'boot-2' }),
      expected: [],
    },
    {
      name: 'that has not left the boot of its mark, is not finished while that boots',
      node: unfinished(rebooting, { stage: 'booting' }),
      expected: [],
    },
    {
      name: 'whose mark of 0.1 names no release, and that booted its previous one, is given up',
      node: unfinished({ why: 'upgrade', at: mark.at, bootId: 'boot-1', rebooting: true }, { bootId: 'boot-2' }),
      expected: noteAndUncordon,
    },
    {
      name: 'that has it installed, is only rebooted',
      node: unfinished(mark, armedEntries),
      expected: rebootOnly,
    },
  ])('$name', ({ node, expected }) => {
    expect(outline(decide(node))).toEqual(expected)
  })

  const installs = 'install: install v1.13.9 on w-2'
  test.each<{ name: string; node: Node }>([
    {
      name: 'by a mark that names no release',
      node: unfinished({ why: 'upgrade', at: mark.at, bootId: 'boot-1' }, armedEntries),
    },
    {
      name: 'after a failure',
      node: unfinished(mark, armedEntries, { attempts: { release: 'v1.13.9', count: 1, failure: 'no space left' } }),
    },
  ])('that is armed $name, is installed anew: what its next boot starts is not certain', ({ node }) => {
    expect(outline(decide(node))).toContain(installs)
  })
})

describe('a node that is only cordoned is uncordoned', () => {
  const until = new Date(calm.now.getTime() + 60_000)
  test.each<{ name: string; node?: Node; circumstances?: Partial<Circumstances>; why: string }>([
    {
      name: 'once its rollout is aborted',
      circumstances: { aborted: { release: 'v1.13.9' } },
      why: 'the rollout of v1.13.9 was aborted',
    },
    {
      name: 'once its release is held',
      circumstances: { hold: { gate: 'release', reason: 'v1.13.9 was withdrawn by the Image Factory' } },
      why: 'v1.13.9 was withdrawn by the Image Factory',
    },
    {
      name: 'once a person pauses it',
      node: unfinished(mark, {}, { paused: 'a guest' }),
      why: 'it is paused (a guest)',
    },
    {
      name: 'once its drain was refused',
      circumstances: { blocked: new Map([['w-2', { until, why: 'its drain was refused' }]]) },
      why: 'its drain was refused',
    },
  ])('$name', ({ node = unfinished(mark), circumstances, why }) => {
    expect(told(node, circumstances)).toBe(`release: ${why}, so w-2 is being uncordoned`)
  })

  test.each<{ name: string; circumstances: Partial<Circumstances> }>([
    { name: 'not by the abort of another rollout', circumstances: { aborted: { release: 'v1.13.8' } } },
    {
      name: 'not where the drain of another node was refused',
      circumstances: { blocked: new Map([['w-1', { until, why: 'its drain was refused' }]]) },
    },
  ])('$name', ({ circumstances }) => {
    expect(told(unfinished(mark), circumstances)).toBe('upgrade: w-2 was being upgraded')
  })
})

test('what failed is noted with its count and its reason when a node is given up', () => {
  const attempts = { release: 'v1.13.9', count: 2, failure: 'it does not boot', powercycled: true } as const
  expect(stepsOf(decide(unfinished(mark, {}, { attempts })))[0]).toEqual({ do: 'note-failure', node: 'w-2', attempts })
})

test('a node that booted its previous release and is not well stays cordoned, and says so', () => {
  expect(said(unfinished(rebooting, { bootId: 'boot-2', ready: false, unmet: ['kubelet'] }))).toBe(
    'stuck: w-2 booted its previous release after the upgrade to v1.13.9 (rolled back to v1.13.8), and stays cordoned because it is not ready (kubelet): find out why, then try again with `caretaker retry w-2`',
  )
})

describe('the retry by a firmware boot', () => {
  const modeOf = (node: Node) => {
    const powercycle = { ...policy, afterRollback: 'powercycle' } as const
    const decision = decideUpgrade(clusterOf(worker('w-1'), node), target, calm, powercycle)
    return stepsOf(decision).flatMap((step) => (step.do === 'reboot' ? [step.mode] : []))
  }
  test('is only for a node that booted its previous release', () => {
    expect(modeOf(unfinished(mark))).toEqual(['default'])
    expect(modeOf(unfinished(rebooting, { bootId: 'boot-2' }))).toEqual(['powercycle'])
  })

  test('stays one where it was cut short', () => {
    const attempts = { release: 'v1.13.9', count: 2, powercycled: true } as const
    expect(modeOf(unfinished(mark, {}, { attempts }))).toEqual(['powercycle'])
  })
})

describe('a node without an installation is served what it runs again', () => {
  const bootOf = (version: string): NetworkBoot => ({
    order: { version, schematic, architecture: 'amd64', secureBoot: false, kind: 'uki', kernelArguments: [] },
    file: 'w-2.efi',
  })
  const goal = { ...target, networkBootOf: (_: string, version: string) => bootOf(version) }
  const planFor = (node: Node, circumstances: Partial<Circumstances> = {}) => {
    const decision = decideUpgrade(clusterOf(worker('w-1'), node), goal, { ...calm, ...circumstances }, policy)
    return decision.kind === 'go' ? decision.nodes[0]!.plan : []
  }
  const served = {
    id: 'stage-image',
    bestEffort: true,
    stops: [],
    steps: [{ do: 'stage-image', image: bootOf('v1.13.8').order, publishAs: 'w-2.efi' }],
  }
  test.each<{ name: string; node: Node; circumstances?: Partial<Circumstances>; ids: readonly string[] }>([
    {
      name: 'when its upgrade is called off',
      node: unfinished({ ...mark, diskless: true }),
      circumstances: { paused: 'by me' },
      ids: ['stage-image', 'uncordon'],
    },
    {
      name: 'when it is given up',
      node: unfinished({ ...rebooting, diskless: true }, { bootId: 'boot-2' }),
      ids: ['annotate', 'stage-image', 'uncordon'],
    },
  ])('$name, and is uncordoned even while the share is away', ({ node, circumstances, ids }) => {
    const plan = planFor(node, circumstances)
    expect(plan.map(({ id }) => id)).toEqual(ids)
    expect(plan).toContainEqual(served)
  })
})
