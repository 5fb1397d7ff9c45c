import { expect } from 'vitest'
import type { PlanAnswer, RunAnswer } from '../../src/core/operator.ts'
import type { Run } from '../../src/core/journal.ts'
import type { Rollout, RolloutNode } from '../../src/core/upgrade/record.ts'
import type { LabDaemon } from '../lab/daemon.ts'
import type { Homelab } from '../lab/homelab.ts'
import {
  asSoonAs,
  isOver,
  journalOf,
  publish,
  type RolloutLab,
  type RolloutLabOptions,
  startRolloutLab,
  tracesOn,
  type Watch,
} from './rollout-lab.ts'

/** Stories of a homelab on its way to a release. The lab judges. */

export const before = 'v1.13.9'
export const after = 'v1.14.1'

export interface Scene {
  readonly rollout: RolloutLab
  readonly daemon: LabDaemon
  readonly watch: Watch
}

/** Makes homelabs for the tests of a file, each with a net of its own from this one on; most need no quorum, and have one control plane. */
export function scenesFrom(firstNet: number) {
  let net = firstNet
  return async (
    stack: AsyncDisposableStack,
    options: Omit<RolloutLabOptions, 'net'> = {},
    prepare: (lab: Homelab) => void = () => {},
  ): Promise<Scene> => {
    const rollout = stack.use(
      await startRolloutLab({ net: net++, controlPlanes: 1, version: before, versions: [before], ...options }),
    )
    prepare(rollout.lab)
    const daemon = await rollout.start()
    return { rollout, daemon, watch: rollout.watch() }
  }
}

export const begin = ({ rollout, daemon }: Scene) => publish(rollout, daemon, after)
export const isDone = ({ rollout, daemon }: Scene) =>
  asSoonAs('the rollout to be over', () => isOver(rollout, daemon, after))
export const decision = async ({ control }: LabDaemon) => (await control.get<PlanAnswer>('/plan')).decision
export const waitsFor = async (daemon: LabDaemon, reason: string) => {
  const decided = await decision(daemon)
  return decided.kind === 'wait' && decided.reason.includes(reason)
}
export const isToldInRuns = async ({ control }: LabDaemon, text: string) =>
  (await control.list<Run>('/runs?limit=50')).some(
    ({ job, detail }) => job === 'upgrade-node' && detail?.includes(text),
  )
export const runJob = ({ control }: LabDaemon) => control.post<RunAnswer>('/jobs/upgrade-node/run', { wait: true })
export const newestRecord = async ({ control }: LabDaemon) => (await control.list<Rollout>('/rollouts'))[0]!
export const recordOf = async (daemon: LabDaemon, node: string): Promise<RolloutNode> =>
  (await newestRecord(daemon)).nodes[node]!
export const isTold = async (daemon: LabDaemon, kind: string, text: string) =>
  (await journalOf(daemon)).some((entry) => entry.kind === kind && entry.text.includes(text))

/** Every node went once and came back, or as often as is said, and nobody's word is left on it. */
export function expectDone({ rollout, watch }: Scene, boots: Readonly<Record<string, number>> = {}): void {
  for (const node of rollout.lab.nodes) {
    const { name } = node
    expect({ name, boots: watch.boots(node), traces: tracesOn(rollout, name) }).toEqual({
      name,
      boots: boots[name] ?? 1,
      traces: [],
    })
  }
  expect(watch.breaches()).toEqual([])
}

export const reboots = ({ rollout, watch }: Scene, name: string) =>
  watch.calls(rollout.lab.node(name)).filter((method) => method === 'MachineService.Reboot').length

/** A pod on w-1 whose budget lets it never go. */
export function block({ kubernetes }: Homelab): void {
  kubernetes.addPod({ name: 'db-0', node: 'w-1', owner: { kind: 'StatefulSet', name: 'db' }, labels: { app: 'db' } })
  kubernetes.addPodDisruptionBudget({ name: 'db', matchLabels: { app: 'db' }, minAvailable: 1 })
}

/** The API server is away, whatever the control planes do; returns what gives it back. */
export function takeApiAway({ kubernetes }: Homelab): () => void {
  const { setAvailability } = kubernetes
  setAvailability('down')
  kubernetes.setAvailability = () => {}
  return () => {
    kubernetes.setAvailability = setAvailability
    setAvailability('serving')
  }
}
