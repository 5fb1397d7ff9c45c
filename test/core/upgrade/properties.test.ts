import { describe, expect, test } from 'vitest'
import { isHealthy, type Node } from '../../../src/core/cluster/cluster.ts'
import { quorumObstacle } from '../../../src/core/cluster/etcd.ts'
import { isArmed } from '../../../src/core/cluster/next-boot.ts'
import type { Step } from '../../../src/core/plan.ts'
import { isNewer } from '../../../src/core/version.ts'
import { policy, stepsOf, target } from './rollout.ts'
import { type Case, randomCase } from './random-case.ts'

const disruptive: readonly Step['do'][] = ['install', 'install-and-reboot', 'reboot', 'drain', 'cordon']
const begins = ({ decision }: Case) => stepsOf(decision).some((step) => disruptive.includes(step.do))
const nodeOf = ({ cluster, decision }: Case): Node | undefined =>
  decision.kind === 'go' ? cluster.nodes.find(({ name }) => name === decision.nodes[0]!.node) : undefined
const markOf = (node: Node | undefined) => (node?.kubernetes.ok ? node.kubernetes.value.cordon : undefined)
const isLeftover = (node: Node | undefined) =>
  node?.kubernetes.ok === true && node.kubernetes.value.leftover !== undefined
const isCordoned = (node: Node | undefined) => node?.kubernetes.ok === true && node.kubernetes.value.unschedulable

describe('in twenty thousand random clusters', () => {
  const all = Array.from({ length: 20_000 }, (_, seed) => randomCase(seed))
  const going = all.filter(({ decision }) => decision.kind === 'go')
  const breaches = (cases: readonly Case[], rule: (one: Case) => boolean): readonly (Case | string)[] =>
    cases.length > 100 ? cases.filter((one) => !rule(one)).slice(0, 2) : [`only ${cases.length} cases`]

  test('every kind of decision is met', () => {
    const kinds = new Set(all.map(({ decision }) => decision.kind))
    expect([...kinds].toSorted()).toEqual(['go', 'stuck', 'upgraded', 'wait'])
  })

  test('a plan is for one node, and for no other', () => {
    expect(
      breaches(
        going,
        ({ decision }) =>
          decision.kind === 'go' &&
          decision.nodes.every(({ node, plan }) =>
            plan.every(({ steps }) =>
              steps.every((step) => !('node' in step) || step.node === node || step.do === 'pull-image'),
            ),
          ),
      ),
    ).toEqual([])
  })

  test('a plan does something', () => {
    expect(breaches(going, ({ decision }) => stepsOf(decision).length > 0)).toEqual([])
  })

  test('no control plane goes away when etcd would lose its quorum', () => {
    const controlPlanes = all.filter((one) => begins(one) && nodeOf(one)?.role === 'controlplane')
    expect(
      breaches(controlPlanes, (one) => quorumObstacle(one.cluster.nodes, [nodeOf(one)!.name]) === undefined),
    ).toEqual([])
  })

  test('no more workers are taken away at once than may be, and none beside a control plane that is away', () => {
    const takes: readonly Step['do'][] = ['install', 'reboot', 'install-and-reboot']
    const taken = ({ decision }: Case) =>
      decision.kind === 'go'
        ? decision.nodes.filter(({ plan }) => plan.some(({ steps }) => steps.some((step) => takes.includes(step.do))))
        : []
    const several = going.filter((one) => taken(one).length > 1)
    expect(
      breaches(several, (one) => {
        const names = taken(one).map(({ node }) => node)
        const nodesOf = (isTaken: boolean) => one.cluster.nodes.filter(({ name }) => names.includes(name) === isTaken)
        return (
          nodesOf(true).every(({ role }) => role === 'worker') &&
          names.length <= one.limits.parallel &&
          nodesOf(false).every((node) => node.role === 'worker' || isHealthy(node))
        )
      }),
    ).toEqual([])
  })

  test('what a person has called off, or stands on ourselves, is not begun', () => {
    const calledOff = all.filter((one) => begins(one) && nodeOf(one) && !markOf(nodeOf(one)))
    expect(
      breaches(
        calledOff,
        ({ circumstances: { aborted, ownNode }, decision }) =>
          aborted === undefined && (decision.kind !== 'go' || decision.nodes.every(({ node }) => node !== ownNode)),
      ),
    ).toEqual([])
  })

  test('etcd is saved before a control plane that it has not been saved for', () => {
    const unsaved = all.filter(
      (one) =>
        !one.circumstances.snapshotted &&
        nodeOf(one)?.role === 'controlplane' &&
        stepsOf(one.decision).some(({ do: what }) => what === 'install' || what === 'install-and-reboot'),
    )
    expect(breaches(unsaved, ({ decision }) => stepsOf(decision).some((step) => step.do === 'snapshot-etcd'))).toEqual(
      [],
    )
  })

  test('a cordon that is not ours is never touched', () => {
    expect(breaches(going, (one) => !isCordoned(nodeOf(one)) || markOf(nodeOf(one))?.why === 'upgrade')).toEqual([])
  })

  test('nothing begins while the power speaks against it', () => {
    expect(
      breaches(
        all.filter(({ circumstances }) => circumstances.powerObstacle),
        (one) => !begins(one),
      ),
    ).toEqual([])
  })

  test('while the power speaks against it, a node is uncordoned, or finished that has left its boot or is about to', () => {
    const dark = going.filter((one) => one.circumstances.powerObstacle && !isLeftover(nodeOf(one)))
    expect(
      breaches(dark, (one) => {
        const { talos } = nodeOf(one)!
        const mark = markOf(nodeOf(one))
        if (mark?.why !== 'upgrade') return false
        const waits = stepsOf(one.decision).some((step) => step.do === 'await-upgraded')
        return !waits || mark.rebooting === true || (talos.ok && talos.value.bootId !== mark.bootId)
      }),
    ).toEqual([])
  })

  test('a pause begins nothing but what must not stay as it is: an armed node', () => {
    expect(
      breaches(
        all.filter(({ circumstances }) => circumstances.paused),
        (one) => !begins(one) || isArmed(nodeOf(one)!),
      ),
    ).toEqual([])
  })

  test('a pause uncordons only what is well', () => {
    const paused = going.filter((one) => one.circumstances.paused && !isLeftover(nodeOf(one)))
    const givenBack = paused.filter((one) => stepsOf(one.decision).every((step) => step.do === 'uncordon'))
    expect(breaches(givenBack, (one) => isHealthy(nodeOf(one)!))).toEqual([])
  })

  test('a mark on a node that can be scheduled goes before all else, and nothing but a note is written beside it', () => {
    const left = all.filter(({ cluster }) => cluster.nodes.some(isLeftover))
    expect(
      breaches(
        left,
        (one) =>
          isLeftover(nodeOf(one)) &&
          /^(note-staged,|note-failure,)?uncordon$/.test(
            stepsOf(one.decision)
              .map((step) => step.do)
              .join(),
          ),
      ),
    ).toEqual([])
  })

  test('a node is looked at once more right before it is installed and right before it is rebooted', () => {
    expect(
      breaches(all.filter(begins), ({ decision }) => {
        const steps = stepsOf(decision).map((step) => step.do)
        return steps.every(
          (step, index) =>
            (step !== 'install' && step !== 'reboot' && step !== 'install-and-reboot') ||
            steps[index - 1] === 'confirm',
        )
      }),
    ).toEqual([])
  })

  test('a node that was away has settled before it is opened', () => {
    const away = going.filter(({ decision }) => stepsOf(decision).some((step) => step.do === 'await-upgraded'))
    expect(
      breaches(away, ({ decision }) => {
        const last = stepsOf(decision).map((step) => step.do)
        return last.at(-1) === 'uncordon' && last.at(-2) === 'settle'
      }),
    ).toEqual([])
  })

  test('a mark tells what its node is to get, before the reboot and after it', () => {
    expect(
      breaches(all.filter(begins), ({ decision }) =>
        stepsOf(decision).every(
          (step) =>
            !('mark' in step) ||
            (step.mark.release === target.version && step.mark.schematic === target.schematicOf('any')),
        ),
      ),
    ).toEqual([])
  })

  test('nothing begins while any node is not well, but a worker beside fewer than may be away', () => {
    expect(
      breaches(all.filter(begins), (one) => {
        const unwell = one.cluster.nodes.filter((node) => !isHealthy(node))
        if (unwell.length === 0) return true
        const isWorker = ({ role }: Node) => role === 'worker'
        return isWorker(nodeOf(one)!) && unwell.every(isWorker) && unwell.length < one.limits.parallel
      }),
    ).toEqual([])
  })

  test('nothing goes backwards', () => {
    expect(
      breaches(all.filter(begins), (one) => {
        const { talos } = nodeOf(one)!
        return talos.ok && !isNewer(talos.value.version, target.version)
      }),
    ).toEqual([])
  })

  test('no node loses an extension', () => {
    expect(
      breaches(all.filter(begins), (one) => {
        const { talos } = nodeOf(one)!
        return talos.ok && (talos.value.extensions ?? []).every((name) => target.extensionsOf('any').includes(name))
      }),
    ).toEqual([])
  })

  test('a node is drained before it is rebooted, and every wait for a boot has another boot to come', () => {
    expect(
      breaches(all.filter(begins), ({ decision }) => {
        const steps = stepsOf(decision).map((step) => step.do)
        const reboot = steps.findIndex((step) => step === 'reboot' || step === 'install-and-reboot')
        return steps.indexOf('cordon') < steps.indexOf('drain') && steps.indexOf('drain') < reboot
      }),
    ).toEqual([])
    expect(
      breaches(going, (one) => {
        const steps = stepsOf(one.decision).map((step) => step.do)
        if (!steps.includes('await-upgraded') || steps.includes('drain')) return true
        const { talos } = nodeOf(one)!
        const mark = markOf(nodeOf(one))
        return !talos.ok || talos.value.bootId !== mark?.bootId || talos.value.stage === 'rebooting'
      }),
    ).toEqual([])
  })

  test('our own unfinished work comes first', () => {
    const unfinished = going.filter(
      ({ cluster }) => cluster.nodes.some((node) => markOf(node)?.why === 'upgrade') && !cluster.nodes.some(isLeftover),
    )
    expect(breaches(unfinished, (one) => markOf(nodeOf(one))?.why === 'upgrade')).toEqual([])
  })

  test('no release is tried more often than the policy allows', () => {
    expect(
      breaches(all.filter(begins), ({ decision }) =>
        stepsOf(decision).every((step) => step.do !== 'cordon' || step.attempts!.count <= policy.attempts),
      ),
    ).toEqual([])
  })

  test('a cluster is upgraded only if every node was seen to be', () => {
    expect(
      breaches(
        all.filter(({ decision }) => decision.kind === 'upgraded'),
        ({ cluster }) => cluster.nodes.every(({ talos, kubernetes }) => talos.ok && kubernetes.ok),
      ),
    ).toEqual([])
  })
})
