import { describe, expect, test } from 'vitest'
import type { Node } from '../../../src/core/cluster/cluster.ts'
import { decideUpgrade } from '../../../src/core/upgrade/decide.ts'
import { armedEntries, clusterOf, controlPlanes, schematic, worker } from '../cluster/nodes.ts'
import { calm, outline, policy, stepsOf, summary, target } from './rollout.ts'
import {
  mark,
  rebooting,
  reached,
  unfinished,
  decide,
  finish,
  rebootOnly,
  uncordonOnly,
  noteAndUncordon,
} from './unfinished.ts'

const whole = [
  'pull-images: pull v1.13.9 on w-2',
  'cordon: cordon w-2',
  'drain: drain w-2',
  'confirm: confirm that w-2 may go down',
  'install: install v1.13.9 on w-2',
  'confirm: confirm that w-2 may go down',
  'reboot: reboot w-2',
  ...finish,
]
const failed = { release: 'v1.13.9', count: 1, failure: 'it does not boot' }

describe('a node that carries our mark comes before every other', () => {
  test.each<{ name: string; node: Node; expected: string[] }>([
    {
      name: 'that is silent after its reboot, it is waited for',
      node: unfinished(rebooting, 'silent'),
      expected: finish,
    },
    {
      name: 'that boots, it is waited for',
      node: unfinished(rebooting, { bootId: 'boot-2', stage: 'booting' }),
      expected: finish,
    },
    {
      name: 'that is about to reboot, it is waited for',
      node: unfinished(rebooting, { stage: 'rebooting' }),
      expected: finish,
    },
    {
      name: 'that has the release, it is taken back',
      node: unfinished(rebooting, { ...reached, bootId: 'boot-2' }),
      expected: finish,
    },
    {
      name: 'that has the release by a reboot that nobody ordered, it is taken back',
      node: unfinished(mark, { ...reached, bootId: 'boot-2' }),
      expected: finish,
    },
    { name: 'that was only cordoned, its upgrade goes on', node: unfinished(mark), expected: whole },
    {
      name: 'that has it installed, it is only rebooted',
      node: unfinished(mark, { ...armedEntries }),
      expected: rebootOnly,
    },
    {
      name: 'whose reboot never came, it is rebooted',
      node: unfinished(rebooting, { ...armedEntries }),
      expected: rebootOnly,
    },
    {
      name: 'that has another release installed, it is installed anew',
      node: unfinished({ ...mark, release: 'v1.13.7' }, { ...armedEntries }),
      expected: whole,
    },
    {
      name: 'that was rebooted by something else half-way, its upgrade goes on',
      node: unfinished(mark, { bootId: 'boot-2' }),
      expected: whole,
    },
    {
      name: 'that rolled back, it is given up and uncordoned: only a person tries again',
      node: unfinished(rebooting, { bootId: 'boot-2' }, { attempts: { release: 'v1.13.9', count: 1 } }),
      expected: noteAndUncordon,
    },
    {
      name: 'that failed twice, it is given up and uncordoned',
      node: unfinished(mark, {}, { attempts: { ...failed, count: 2 } }),
      expected: noteAndUncordon,
    },
    {
      name: 'that has reached an older goal meanwhile, it is not blamed for it',
      node: unfinished(
        { ...rebooting, release: 'v1.13.8' },
        { bootId: 'boot-2' },
        { attempts: { release: 'v1.13.8', count: 2 } },
      ),
      expected: whole,
    },
    {
      name: 'that has reached another schematic meanwhile, it is not blamed for it',
      node: unfinished(
        { ...rebooting, schematic: 'f'.repeat(64) },
        { bootId: 'boot-2' },
        { attempts: { release: 'v1.13.9', count: 2 } },
      ),
      expected: whole,
    },
    {
      name: 'that rolled back from this very schematic, it is given up and uncordoned',
      node: unfinished(
        { ...rebooting, schematic },
        { bootId: 'boot-2' },
        { attempts: { release: 'v1.13.9', count: 1 } },
      ),
      expected: noteAndUncordon,
    },
    {
      name: 'that is to stay as it is since its upgrade was called off, it is uncordoned',
      node: unfinished({ ...mark, release: 'v1.13.10' }, reached),
      expected: uncordonOnly,
    },
    {
      name: 'that is ahead of the release, it is uncordoned and never taken down',
      node: unfinished({ ...rebooting, release: 'v1.13.10' }, { version: 'v1.13.10', bootId: 'boot-2' }),
      expected: uncordonOnly,
    },
  ])('$name', ({ node, expected }) => {
    const decision = decide(node)
    expect(summary(decision)).toBe('go w-2')
    expect(outline(decision)).toEqual(expected)
  })

  test.each<{ name: string; node: Node; expected: string }>([
    {
      name: 'that falls silent is waited for',
      node: unfinished(mark, 'silent'),
      expected: 'wait: w-2, which is being upgraded, does not answer (no route to host)',
    },
    {
      name: 'that is not ready is waited for',
      node: unfinished(mark, { ready: false, unmet: ['kubelet'] }),
      expected: 'wait: w-2, which is being upgraded, is not ready (kubelet)',
    },
    {
      name: 'that failed twice and is armed stays cordoned',
      node: unfinished(mark, { ...armedEntries }, { attempts: { ...failed, count: 2 } }),
      expected:
        'stuck: w-2 failed 2 times to upgrade to v1.13.9 (it does not boot), and stays cordoned: try again with `caretaker retry w-2`, or roll it back with `caretaker rollback w-2`',
    },
    {
      name: 'that failed twice and is ill stays cordoned',
      node: unfinished(mark, {}, { ready: false, attempts: { ...failed, count: 2 } }),
      expected:
        'stuck: w-2 failed 2 times to upgrade to v1.13.9 (it does not boot), and stays cordoned: try again with `caretaker retry w-2`, or roll it back with `caretaker rollback w-2`',
    },
    {
      name: 'that is to stay as it is, but is armed, is for a person to see to',
      node: unfinished(
        { ...mark, release: 'v1.13.10' },
        { ...reached, bootedEntry: 'Talos-v1.13.9.efi', defaultEntry: 'Talos-v1.13.10.efi' },
      ),
      expected:
        'stuck: w-2 runs v1.13.9, and has another release installed for its next boot: disarm it with `caretaker rollback w-2`',
    },
    {
      name: 'that would lose an extension by a schematic of today is left as it is',
      node: unfinished(mark, { extensions: ['siderolabs/zfs'] }),
      expected:
        'wait: w-2 would lose siderolabs/zfs, which the configured schematic lacks: add it to config/schematics, or accept the loss with `caretaker approve v1.13.9 --losing siderolabs/zfs`',
    },
  ])('$name', ({ node, expected }) => {
    expect(summary(decide(node))).toBe(expected)
  })

  test('and why is told: an older goal that it has reached is no failure', () => {
    const older = unfinished({ ...rebooting, release: 'v1.13.8' }, { bootId: 'boot-2' })
    expect(decide(older)).toMatchObject({ nodes: [{ reason: 'w-2 was being upgraded' }] })
    const otherSchematic = unfinished({ ...rebooting, schematic: 'f'.repeat(64) }, { bootId: 'boot-2' })
    expect(decide(otherSchematic)).toMatchObject({ nodes: [{ reason: 'w-2 was being upgraded' }] })
    for (const same of [rebooting, { ...rebooting, schematic }]) {
      const rolledBack = unfinished(same, { bootId: 'boot-2' })
      expect(decide(rolledBack)).toMatchObject({ nodes: [{ reason: 'giving up on w-2: rolled back to v1.13.8' }] })
    }
  })

  test('but it waits while another node is not well', () => {
    expect(summary(decide(unfinished(mark), {}, worker('w-3', { talos: 'silent' })))).toBe(
      'wait: w-3 does not answer (no route to host)',
    )
  })

  test('and does not wait for the next window: what has begun is finished', () => {
    const windows = [{ days: ['sun'], from: '02:00', to: '06:00' }] as const
    const cluster = clusterOf(worker('w-1'), unfinished(mark))
    expect(summary(decideUpgrade(cluster, target, calm, { ...policy, windows }))).toBe('go w-2')
  })
})

describe('a node that booted its previous release, where the policy allows one firmware boot', () => {
  const powercycle = { ...policy, afterRollback: 'powercycle' } as const
  const decideBy = (node: Node) => decideUpgrade(clusterOf(worker('w-1'), node), target, calm, powercycle)
  const first = { attempts: { release: 'v1.13.9', count: 1 } }

  test('is tried once more through the firmware, and remembers that', () => {
    const decision = decideBy(unfinished(rebooting, { bootId: 'boot-2' }, first))
    expect(decision).toMatchObject({
      nodes: [{ reason: 'trying w-2 once more with a power cycle: rolled back to v1.13.8' }],
    })
    expect(stepsOf(decision).find((step) => step.do === 'reboot')).toMatchObject({ mode: 'powercycle' })
    expect(stepsOf(decision).find((step) => step.do === 'cordon')).toMatchObject({
      attempts: { release: 'v1.13.9', count: 2, powercycled: true },
    })
  })

  test('is given up when that did not help', () => {
    const again = { attempts: { release: 'v1.13.9', count: 2, powercycled: true } } as const
    expect(stepsOf(decideBy(unfinished(rebooting, { bootId: 'boot-3' }, again)))[0]).toMatchObject({
      do: 'note-failure',
      attempts: { rolledBack: true, powercycled: true },
    })
  })

  test('is not begun again while it is noted', () => {
    const noted = { release: 'v1.13.9', count: 1, failure: 'rolled back to v1.13.8', rolledBack: true } as const
    const node = worker('w-2', { kubernetes: { attempts: noted } })
    expect(summary(decideUpgrade(clusterOf(worker('w-1'), node), target, calm, policy))).toBe(
      'stuck: w-2 booted its previous release after the upgrade to v1.13.9 (rolled back to v1.13.8): find out why, then try again with `caretaker retry w-2`',
    )
  })
})

describe('a control plane that carries our mark', () => {
  const marked = { kubernetes: { unschedulable: true, cordon: mark } }
  const decideFor = (...nodes: Node[]) => decideUpgrade(clusterOf(...nodes), target, calm, policy)

  test('goes on while etcd keeps its quorum without it', () => {
    expect(summary(decideFor(...controlPlanes({}, marked, {})))).toBe('go cp-2')
  })

  test('waits while etcd would lose it, even if only the reboot is missing', () => {
    const installed = { ...marked, talos: { ...armedEntries } }
    const nodes = controlPlanes({}, installed, { etcd: { errors: ['NOSPACE'] } })
    expect(summary(decideFor(...nodes))).toBe('wait: etcd on cp-3 reports NOSPACE')
  })

  test('is taken back even while etcd is not whole: that is what it is waited for', () => {
    const done = {
      kubernetes: marked.kubernetes,
      talos: { version: 'v1.13.9', bootId: 'boot-2' },
      etcd: 'silent',
    } as const
    expect(outline(decideFor(...controlPlanes({}, done, {})))).toContain('verify-etcd: wait until etcd is healthy')
  })
})

describe('the count of attempts', () => {
  test.each<{ name: string; node: Node; count: number }>([
    {
      name: 'stays when the power or a crash cut one short',
      node: unfinished(mark, {}, { attempts: { release: 'v1.13.9', count: 1 } }),
      count: 1,
    },
    { name: 'is one where the node remembers none', node: unfinished(mark), count: 1 },
    { name: 'goes up after a failure', node: unfinished(mark, {}, { attempts: failed }), count: 2 },
  ])('$name', ({ node, count }) => {
    const counts = stepsOf(decide(node)).flatMap((step) => (step.do === 'cordon' ? [step.attempts?.count] : []))
    expect(counts).toEqual([count])
  })

  test('is kept with the reason when a node is given up', () => {
    const node = unfinished(rebooting, { bootId: 'boot-2' }, { attempts: { release: 'v1.13.9', count: 1 } })
    expect(stepsOf(decide(node))[0]).toEqual({
      do: 'note-failure',
      node: 'w-2',
      attempts: { release: 'v1.13.9', count: 1, failure: 'rolled back to v1.13.8', rolledBack: true },
    })
  })

  test('is forgotten only with the release', () => {
    const forgets = (node: Node, circumstances = {}) =>
      stepsOf(decide(node, circumstances)).flatMap((step) => (step.do === 'uncordon' ? [step.forgetAttempts] : []))
    expect(forgets(unfinished(mark))).toEqual([true])
    expect(forgets(unfinished(mark), { powerObstacle: 'the UPS is on battery' })).toEqual([undefined])
  })
})
