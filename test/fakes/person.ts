import type { Queue } from '../../src/core/job.ts'
import type { Operator } from '../../src/core/operator.ts'
import type { RequestAnswer } from '../../src/core/request-answer.ts'
import type { BootKeeper } from '../../src/operations/netboot/keeper.ts'
import { createDesk, type MachineDesk } from '../../src/operations/provision/desk.ts'
import { createInventory } from '../../src/operations/provision/inventory.ts'
import { createWaitingRoom } from '../../src/operations/provision/waiting-room.ts'
import { createOperator } from '../../src/operations/operator.ts'
import type { StartedAgent } from './agent.ts'
import type { FakeHomelab } from './homelab.ts'
import { fakeRenderer } from './machines.ts'

/** Who asks in the stories. */
export const admin = { name: 'admin@nas', verified: false } as const

export const asked = () => ({ by: admin, signal: new AbortController().signal })

/** Who decides about machines that ask for their configuration there. */
export function deskOf({ ports }: FakeHomelab, { agent }: StartedAgent, renderer = fakeRenderer()): MachineDesk {
  return createDesk({
    journal: ports.journal,
    alerts: agent.alerts,
    renderer,
    way: () => 'device-flow',
    boots: () => [],
    nodes: () => [],
    cardAt: async () => undefined,
    now: agent.now,
  })
}

/** Everything that a person may ask of an agent on a fake homelab. */
export function operatorOf(
  homelab: FakeHomelab,
  it: StartedAgent,
  counts: Required<Queue>['counts'] = async () => ({}),
  onChange: BootKeeper['onChange'] = () => ({ [Symbol.dispose]: () => {} }),
): Operator {
  const { agent, config } = it
  const renderer = fakeRenderer()
  return createOperator({
    agent,
    ports: homelab.ports,
    config: () => config,
    queue: { counts, failed: async () => [], clearFailed: async () => 0 },
    about: {
      version: '0.0.0',
      pid: 1,
      startedAt: new Date(),
      services: () => [],
      missing: () => [],
      configuration: () => undefined,
    },
    notifier: () => undefined,
    loginRefused: () => undefined,
    boots: { machines: new Map(), onChange },
    renderer,
    desk: deskOf(homelab, it, renderer),
    room: createWaitingRoom(agent.now),
    inventory: createInventory({
      journal: homelab.ports.journal,
      alerts: agent.alerts,
      written: () => config.nodes,
      now: agent.now,
    }),
  })
}

/** A person at the homelab, in the fewest words. */
export function personAt(homelab: FakeHomelab, it: StartedAgent) {
  const { rollouts, nodes, power, staging } = operatorOf(homelab, it)
  return {
    rollout: () => rollouts.status(asked().signal),
    pause: (reason?: string) => rollouts.pause({ reason }, asked()),
    resume: () => rollouts.resume(asked()),
    start: () => rollouts.start(asked()),
    abort: (version?: string) => rollouts.abort({ version }, asked()),
    approve: (version?: string, losing: readonly string[] = []) => rollouts.approve({ version, losing }, asked()),
    runNow: (lastsMs: number) => rollouts.openWindow({ lastsMs }, asked()),
    pauseNode: (node: string, reason: string) => nodes.pause({ node, reason }, asked()),
    resumeNode: (node: string) => nodes.resume({ node }, asked()),
    retry: (node?: string) => nodes.retry({ node }, asked()),
    rollback: (node: string, force = false): Promise<RequestAnswer> => nodes.rollback({ node, force }, asked()),
    stage: (version?: string) => staging.stage({ version, wait: false }, asked()),
    takeBack: (image?: string) => staging.rollBack({ image, wait: false }, asked()),
    shutDown: () => power.shutDown(asked()),
    cancel: () => power.cancel(asked()),
    wake: (machine?: string, all = false) => power.wake({ machine, all }, asked()),
    drill: (dryRun: boolean, until?: string) => power.drill({ dryRun, until }, asked()),
  }
}

export type Person = ReturnType<typeof personAt>
