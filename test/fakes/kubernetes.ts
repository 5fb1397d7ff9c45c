import { AgentError } from '../../src/core/errors.ts'
import type { Kubernetes } from '../../src/core/ports.ts'
import type { FakeMachine, FakeWorld } from './homelab.ts'

/** The Kubernetes API of the fake homelab: it needs etcd, and etcd its quorum. */
export function fakeKubernetes(world: FakeWorld): Kubernetes {
  const { machines, note, hasQuorum } = world

  function apiServer(): void {
    if (!hasQuorum()) throw new AgentError('unreachable', 'the Kubernetes API does not answer')
  }
  function nodeObject(name: string): FakeMachine {
    apiServer()
    const found = machines.get(name)
    if (!found) throw new AgentError('rejected', `nodes "${name}" not found`)
    return found
  }

  return {
    version: async () => {
      apiServer()
      return world.kubernetesVersion
    },
    nodes: async () => {
      apiServer()
      return new Map(
        [...machines.values()].map(({ name, up, stage, unschedulable, mark, attempts, staged, zone, paused }) => [
          name,
          {
            ready: up && stage === 'running',
            unschedulable,
            cordon: unschedulable ? mark : undefined,
            leftover: !unschedulable && mark !== undefined,
            attempts,
            staged,
            zone,
            taints: [],
            paused,
          },
        ]),
      )
    },
    cordon: async (name, mark, attempts) => {
      const machine = nodeObject(name)
      // What is left of a mark on a schedulable node counts for nothing.
      if (!machine.unschedulable) machine.mark = undefined
      if (machine.unschedulable && !machine.mark) {
        if (mark.why === 'power') return
        throw new AgentError('rejected', `${name} was cordoned by somebody else`)
      }
      if (machine.mark?.why === 'upgrade' && mark.why === 'power') return
      if (!machine.unschedulable) await note(`cordon ${name}`)
      Object.assign(machine, { unschedulable: true, mark, ...(attempts ? { attempts } : {}) })
    },
    noteFailure: async (name, attempts) => {
      nodeObject(name).attempts = attempts
    },
    noteStaged: async (name, mark) => {
      nodeObject(name).staged = mark
    },
    forgetAttempts: async (name) => {
      nodeObject(name).attempts = undefined
    },
    pause: async (name, reason) => {
      nodeObject(name).paused = reason
    },
    uncordon: async (name, why, { forgetAttempts }) => {
      apiServer()
      if (!machines.has(name)) return
      const machine = nodeObject(name)
      if (forgetAttempts) Object.assign(machine, { attempts: undefined, staged: undefined })
      if (machine.unschedulable && machine.mark?.why !== why) return
      if (machine.unschedulable) await note(`uncordon ${name}`)
      Object.assign(machine, { unschedulable: false, mark: undefined })
    },
    drain: async (name, policy, signal) => {
      apiServer()
      await note(`drain ${name}`)
      if (!machines.get(name)!.stubborn || policy.deleteAfter !== undefined) return
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      throw new AgentError('timed-out', 'would not go: default/db-0: its disruption budget')
    },
    workloads: async () => {
      apiServer()
      return world.workloads
    },
    storage: async () => {
      apiServer()
      return world.storage
    },
    takeLease: async (claim) => {
      apiServer()
      const { lease } = world
      const left = lease && lease.holder !== claim.holder ? lease.until - Date.now() : 0
      if (lease && left > 0 && !claim.over)
        return { held: false, by: lease.holder, purpose: lease.purpose, endsIn: left }
      world.lease = { ...claim, until: Date.now() + claim.lasts }
      return { held: true }
    },
    releaseLease: async (holder) => {
      apiServer()
      if (world.lease?.holder === holder) world.lease = undefined
    },
  }
}
