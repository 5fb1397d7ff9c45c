import { AgentError } from '../../src/core/errors.ts'
import type { Hosts } from '../../src/core/power/ports.ts'

/** What the fake hosts need of their world. */
export interface HostsWorld {
  /** By name. One that `hangs` takes the order to shut down and goes on running. */
  readonly machines: ReadonlyMap<string, { up: boolean; hangs: boolean }>
  note(entry: string): Promise<void>
}

export function fakeHosts({ machines, note }: HostsWorld): Hosts {
  function find(name: string, signal: AbortSignal) {
    if (signal.aborted) throw new AgentError('unreachable', `${name}: called off`)
    const machine = machines.get(name)
    if (!machine) throw new AgentError('misconfigured', `there is no host ${name} in the configuration`)
    return machine
  }

  function findUp(name: string, signal: AbortSignal) {
    const machine = find(name, signal)
    if (!machine.up) throw new AgentError('unreachable', `${name}: connection refused`)
    return machine
  }

  return {
    answers: async (name, signal) => find(name, signal).up,
    shutDown: async (name, signal) => {
      const machine = findUp(name, signal)
      await note(`shut-down-host ${name}`)
      if (!machine.hangs) machine.up = false
    },
    rehearse: async (name, signal) => void findUp(name, signal),
  }
}
