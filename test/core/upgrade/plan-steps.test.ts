import { describe, expect, test } from 'vitest'
import type { CordonMark } from '../../../src/core/cluster/cluster.ts'
import type { Plan, Step } from '../../../src/core/plan.ts'
import { nodesThatPull } from '../../../src/core/upgrade/decision.ts'
import { finishPlan, stagePlan, upgradePlan } from '../../../src/core/upgrade/plan.ts'
import { drainPolicyOf } from '../../../src/core/upgrade/policy.ts'
import { controlPlane, schematic, worker } from '../cluster/nodes.ts'
import { calm, policy, target } from './rollout.ts'

const planning = { target, policy, now: calm.now }
const at = calm.now.toISOString()
const machineId = 'a1'.repeat(16)
const mark: CordonMark = { why: 'upgrade', at, release: 'v1.13.9', schematic, bootId: 'boot-1', from: 'v1.13.8' }
const image = `factory.talos.dev/metal-installer/${schematic}:v1.13.9`
const stepsOf = (plan: Plan): readonly Step[] => plan.flatMap(({ steps }) => steps)
/** The step of this name, all of it. */
function find<Do extends Step['do']>(plan: Plan, name: Do): Extract<Step, { do: Do }> | undefined {
  return stepsOf(plan).find((step): step is Extract<Step, { do: Do }> => step.do === name)
}
const w1 = worker('w-1')

describe('a node that is installed for its window', () => {
  test('says so before the installer runs and after it has ended well', () => {
    const known = worker('w-1', { talos: { machineId } })
    expect(stepsOf(stagePlan(known, planning))).toEqual([
      { do: 'note-staged', node: 'w-1', mark: { ...mark, machineId, installer: 'started' } },
      {
        do: 'install',
        node: 'w-1',
        machine: { role: 'worker', machineId },
        image,
        bootId: 'boot-1',
        within: policy.installTimeout,
      },
      { do: 'note-staged', node: 'w-1', mark: { ...mark, machineId, installer: 'succeeded' } },
    ])
  })
})

test('a node that is silent gets no plan', () => {
  const silent = worker('w-1', { talos: 'silent' })
  expect(upgradePlan(silent, { count: 1 }, planning)).toEqual([])
  expect(stagePlan(silent, planning)).toEqual([])
})

describe('an upgrade', () => {
  test('of what is installed says so by its mark, and reboots without an installer, by whatever API', () => {
    for (const version of ['v1.13.8', 'v1.12.11']) {
      const plan = upgradePlan(worker('w-1', { talos: { version } }), { count: 1, installed: true }, planning)
      expect(find(plan, 'cordon')?.mark).toEqual({ ...mark, from: version, installer: 'succeeded' })
      expect(stepsOf(plan).map((step) => step.do)).toEqual([
        'cordon',
        'drain',
        'confirm',
        'reboot',
        'await-upgraded',
        'settle',
        'uncordon',
      ])
    }
  })

  test('counts its attempt, and says where it is the one through the firmware', () => {
    const attempts = (powercycled?: boolean) =>
      find(upgradePlan(w1, { count: 2, ...(powercycled === undefined ? {} : { powercycled }) }, planning), 'cordon')
        ?.attempts
    expect(attempts()).toEqual({ release: 'v1.13.9', count: 2 })
    expect(attempts(true)).toEqual({ release: 'v1.13.9', count: 2, powercycled: true })
  })

  test.each<{ name: string; of: 'force' | undefined; powercycled: boolean; mode: string }>([
    { name: 'as all do', of: undefined, powercycled: false, mode: 'default' },
    { name: 'as this node is to', of: 'force', powercycled: false, mode: 'force' },
    { name: 'through the firmware, where kexec has failed', of: 'force', powercycled: true, mode: 'powercycle' },
  ])('reboots $name', ({ of, powercycled, mode }) => {
    const goal = { ...target, rebootModeOf: (name: string) => (name === 'w-1' ? of : ('powercycle' as const)) }
    const plan = upgradePlan(w1, { count: 1, powercycled }, { ...planning, target: goal })
    expect(find(plan, 'reboot')?.mode).toBe(mode)
  })

  test('by the one call of Talos 1.12 does not say before it that the installer has ended well', () => {
    const plan = upgradePlan(worker('w-1', { talos: { version: 'v1.12.11' } }), { count: 1 }, planning)
    expect(find(plan, 'install-and-reboot')?.mark).toEqual({ ...mark, from: 'v1.12.11', rebooting: true })
  })

  test('knows the machine again by its UUID, its id and the arguments that it booted with', () => {
    const facts = { machineId, uuid: '4c4c4544', kernelArguments: ['console=ttyS0', 'debug'] }
    const goal = {
      ...target,
      partsOf: () => ({
        kernelArguments: ['console=ttyS0', 'net.ifnames=0'],
        overlay: undefined,
        embeddedConfig: false,
      }),
    }
    const plan = upgradePlan(worker('w-1', { talos: facts }), { count: 1 }, { ...planning, target: goal })
    const known = { uuid: '4c4c4544', machineId, kernelArguments: ['console=ttyS0'] }
    expect(find(plan, 'cordon')?.mark).toEqual({ ...mark, ...known })
    expect(find(plan, 'await-upgraded')).toEqual({
      do: 'await-upgraded',
      node: 'w-1',
      version: 'v1.13.9',
      schematic,
      bootId: 'boot-1',
      within: policy.rebootTimeout,
      identity: { extensions: ['siderolabs/i915'], ...known },
    })
    const nothing = find(upgradePlan(w1, { count: 1 }, planning), 'await-upgraded')?.identity
    expect(nothing).toEqual({ extensions: ['siderolabs/i915'] })
    expect(Object.keys(nothing!)).toEqual(['extensions'])
  })

  test('of the etcd leader forfeits leadership first, as far as it can; of a machine that it knows', () => {
    const leader = controlPlane('cp-1', ['cp-1', 'cp-2', 'cp-3'], { talos: { machineId } })
    const plan = upgradePlan(leader, { count: 1 }, planning)
    const forfeit = plan.find(({ id }) => id === 'forfeit-leadership')
    expect(forfeit).toMatchObject({ bestEffort: true })
    expect(forfeit?.steps).toEqual([
      { do: 'forfeit-leadership', node: 'cp-1', machine: { role: 'controlplane', machineId } },
    ])
    expect(find(upgradePlan(w1, { count: 1 }, planning), 'confirm')?.machine).toStrictEqual({ role: 'worker' })
  })
})

test('what a mark without a boot left is finished by whatever boot comes, and with the checks of the user', () => {
  const checks = [{ name: 'web', http: { url: 'http://web', status: 200 } }]
  const { bootId: _, ...unknown } = mark
  const plan = finishPlan(w1, target, unknown, { ...policy, checks })
  expect(find(plan, 'await-upgraded')?.bootId).toBe('')
  expect(find(plan, 'await-checks')).toEqual({ do: 'await-checks', node: 'w-1', checks, within: policy.checksTimeout })
})

describe('a drain for an upgrade', () => {
  const drain = (changed: Partial<typeof policy.draining>) =>
    drainPolicyOf({ ...policy, draining: { ...policy.draining, ...changed } })
  const plain = { ordered: true, volumeDetachTimeout: 300_000 }
  test.each<{ name: string; changed: Partial<typeof policy.draining>; expected: object }>([
    { name: 'evicts all, and waits where it is refused', changed: {}, expected: plain },
    { name: 'deletes nothing where the node is left for later', changed: { whenBlocked: 'skip' }, expected: plain },
    {
      name: 'deletes after the time that is set, where a person wants that',
      changed: { whenBlocked: 'delete' },
      expected: { ...plain, deleteAfter: 1_800_000 },
    },
    { name: 'keeps data in an emptyDir', changed: { emptyDir: 'keep' }, expected: { ...plain, keepEmptyDir: true } },
    { name: 'keeps pods of nobody', changed: { unmanaged: 'keep' }, expected: { ...plain, keepUnmanaged: true } },
    {
      name: 'lets some go last, each with its time',
      changed: { last: [{ selector: 'app=db' }, { selector: 'app=nfs', timeout: 60_000 }] },
      expected: { ...plain, last: [{ selector: 'app=db' }, { selector: 'app=nfs', timeout: 60_000 }] },
    },
    {
      name: 'lets one go last',
      changed: { last: [{ selector: 'app=db' }] },
      expected: { ...plain, last: [{ selector: 'app=db' }] },
    },
    { name: 'lets one tier take a time', changed: { tierTimeout: 9_000 }, expected: { ...plain, tierTimeout: 9_000 } },
  ])('$name', ({ changed, expected }) => {
    expect(drain(changed)).toStrictEqual(expected)
  })
})

test('the nodes that are to pull an installer are those of the first phase and of each plan', () => {
  const first: Plan = [
    { id: 'pull-images', stops: [], steps: [{ do: 'pull-image', node: 'w-2', image, within: 1 }] },
    { id: 'stage-image', stops: [], steps: [{ do: 'settle', node: 'w-3', lasts: 1 }] },
  ]
  const one = { node: 'w-1', intent: 'upgrade', reason: '', plan: upgradePlan(w1, { count: 1 }, planning) } as const
  expect(nodesThatPull({ kind: 'go', first, nodes: [one] })).toEqual(['w-2', 'w-1'])
  expect(nodesThatPull({ kind: 'wait', reason: '' })).toEqual([])
})
