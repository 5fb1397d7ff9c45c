import type { PlanAnswer } from '../../src/core/operator.ts'
import type { StagedImage } from '../../src/core/release/image.ts'
import type { Rollout } from '../../src/core/upgrade/record.ts'
import { controlPlanes, schematic, worker } from '../core/cluster/nodes.ts'
import { ago } from './answers-time.ts'

/** The nodes of the homelab of `answers.ts`, and their rollout. */

export const nodes = [
  ...controlPlanes({}, {}, { kubernetes: { unschedulable: true } }),
  worker('worker-nuc-attic', {
    kubernetes: {
      attempts: {
        release: 'v1.13.9',
        count: 2,
        failure: 'the kubelet did not become Ready within 10 min after the reboot',
      },
    },
  }),
  worker('worker-gpu-1', { talos: 'silent' }),
  worker('w-1', { kubernetes: { paused: '待っているディスク 💾, ordered on Monday' } }),
]

export const plan: PlanAnswer = {
  release: {
    kind: 'target',
    version: 'v1.13.9',
    reason: 'the newest patch of 1.13, which was published 9 d ago and has soaked for 7 d',
  },
  held: [],
  version: 'v1.13.9',
  decision: {
    kind: 'go',
    first: [
      {
        id: 'snapshot-etcd',
        steps: [{ do: 'snapshot-etcd', node: 'cp-1', release: 'v1.13.9', within: 60_000 }],
        stops: [],
      } as never,
    ],
    nodes: [
      {
        node: 'worker-nuc-attic',
        intent: 'upgrade',
        reason: 'it runs v1.13.8, and workers go first',
        plan: [
          {
            id: 'pull-images',
            steps: [
              {
                do: 'pull-image',
                node: 'worker-nuc-attic',
                image: `factory.talos.dev/metal-installer/${schematic}:v1.13.9`,
                within: 600_000,
              },
            ],
            stops: [],
          } as never,
          { id: 'verify-etcd', steps: [{ do: 'await-etcd', within: 60_000 }], stops: [] } as never,
          { id: 'settle', steps: [{ do: 'settle', node: 'worker-nuc-attic', lasts: 120_000 }], stops: [] } as never,
        ],
      },
    ],
  },
  order: ['worker-nuc-attic', 'worker-gpu-1', 'w-1', 'cp-3', 'cp-2', 'cp-1'],
  takesMs: 3_900_000,
  toApprove: ['cp-1'],
  warnings: ['cp-3 stays behind: it is cordoned by someone else, and is left alone until it is uncordoned'],
}

export const rollout: Rollout = {
  id: ago(90),
  release: 'v1.13.9',
  startedAt: ago(90),
  snapshot: '/var/lib/caretaker/snapshots/v1.13.9-2026-11-26.db',
  nodes: {
    'worker-nuc-attic': {
      role: 'worker',
      from: 'v1.13.8',
      startedAt: ago(90),
      endedAt: ago(80),
      outcome: 'failed',
      tookMs: 600_000,
      failures: ['the kubelet did not become Ready within 10 min after the reboot'],
      phases: { drain: 61_000, install: 35_000, reboot: 90_000, 'verify-boot': 400_000 },
    },
    'w-1': { role: 'worker', from: 'v1.13.8', startedAt: ago(12), failures: [], phases: { drain: 41_000 } },
  },
}
export const former: Rollout = {
  ...rollout,
  id: ago(9_000),
  release: 'v1.13.8',
  startedAt: ago(9_000),
  endedAt: ago(8_960),
  outcome: 'done',
}

export const staged: readonly StagedImage[] = ['v1.13.9', 'v1.13.8'].map((version, index) => ({
  version,
  schematic,
  architecture: 'amd64',
  secureBoot: false,
  kind: 'uki',
  sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  bytes: 104_857_600 + index,
  stagedAt: ago(300 + index * 10_000),
  path: `${version}/image.efi`,
  publishedAs: index === 0 ? ['metal-amd64-uki.efi'] : [],
  published: index === 0,
}))
