import { type Cluster } from '../../../src/core/cluster/cluster.ts'
import type { Circumstances } from '../../../src/core/upgrade/gates.ts'
import { decideUpgrade } from '../../../src/core/upgrade/decide.ts'
import type { UpgradeDecision } from '../../../src/core/upgrade/decision.ts'
import { clusterOf, controlPlane, idOf, type NodeChoices, worker } from '../cluster/nodes.ts'
import { createRandom, type Random } from '../random.ts'
import { calm, policy, target } from './rollout.ts'

export interface Case {
  readonly cluster: Cluster
  readonly circumstances: Circumstances
  readonly limits: { readonly parallel: number }
  readonly decision: UpgradeDecision
}

const versions = ['v1.12.11', 'v1.13.8', 'v1.13.8', 'v1.13.9', 'v1.13.10'] as const

export function randomCase(seed: number): Case {
  const random = createRandom(seed)
  const names = Array.from({ length: random.pick([1, 2, 3, 3, 3, 5]) }, (_, index) => `cp-${index + 1}`)
  // In most clusters little is wrong, or nothing would ever be decided.
  const trouble = random.pick([0, 0.02, 0.1, 0.3])
  const cluster = clusterOf(
    ...names.map((name) => controlPlane(name, names, randomNode(random, trouble, names))),
    ...Array.from({ length: random.below(4) }, (_, index) =>
      worker(`w-${index + 1}`, randomNode(random, trouble, names)),
    ),
  )
  const circumstances = {
    ...calm,
    powerObstacle: random.chance(0.3) ? 'the UPS is on battery' : undefined,
    paused: random.chance(0.2) ? 'paused by me' : undefined,
    aborted: random.chance(0.05) ? { release: target.version } : undefined,
    ownNode: random.chance(0.05) ? random.pick(names) : undefined,
    snapshotted: random.chance(0.5),
  }
  const limits = { parallel: random.pick([1, 1, 2, 3]) }
  return {
    cluster,
    circumstances,
    limits,
    decision: decideUpgrade(cluster, target, circumstances, { ...policy, ...limits }),
  }
}

function randomNode(random: Random, trouble: number, names: readonly string[]): NodeChoices {
  const wrong = () => random.chance(trouble)
  const marked = random.chance(0.15)
  const foreign = random.chance(0.1)
  const release = random.pick(['v1.13.9', 'v1.13.9', 'v1.13.10'])
  const rebooting = random.chance(0.5) ? { rebooting: true as const } : {}
  const at = '2026-03-07T02:00:00Z'
  const schematic = random.pick([undefined, target.schematicOf('any'), 'f'.repeat(64)])
  const of = schematic === undefined ? {} : { schematic }
  const upgradeMark = { why: 'upgrade' as const, at, release, ...of, bootId: 'boot-1', ...rebooting }
  const powerMark = { why: 'power' as const, at }
  return {
    talos: wrong()
      ? 'silent'
      : {
          version: random.pick(versions),
          schematic: wrong() ? 'f'.repeat(64) : target.schematicOf('any'),
          extensions: wrong() ? ['siderolabs/zfs'] : ['siderolabs/i915'],
          bootId: marked && random.chance(0.5) ? 'boot-2' : 'boot-1',
          stage: wrong() ? random.pick(['booting', 'rebooting', 'shutting down']) : 'running',
          ready: !wrong(),
          fallbackPending: wrong() || (marked && random.chance(0.3)),
        },
    kubernetes: wrong()
      ? 'silent'
      : {
          ready: !wrong(),
          unschedulable: marked || foreign,
          zone: random.pick([undefined, undefined, 'a', 'b']),
          paused: random.chance(0.03) ? 'a guest' : undefined,
          cordon: marked ? upgradeMark : foreign && random.chance(0.5) ? powerMark : undefined,
          leftover: !marked && !foreign && random.chance(0.02) ? upgradeMark : undefined,
          attempts: random.chance(0.2)
            ? {
                release: 'v1.13.9',
                count: 1 + random.below(2),
                ...(random.chance(0.5) ? { failure: 'it failed' } : {}),
              }
            : undefined,
        },
    etcd: wrong()
      ? 'silent'
      : {
          learner: wrong(),
          errors: wrong() ? ['NOSPACE'] : [],
          ...(wrong() ? { leader: random.pick([undefined, idOf(names.at(-1)!)]) } : {}),
        },
  }
}
