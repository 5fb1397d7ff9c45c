import { AgentError, assertNever } from '../../core/errors.ts'
import type { Waker } from '../../core/power/ports.ts'
import { type CommandCall, runCommand } from './command.ts'
import { type HttpCall, makeCall } from './http-call.ts'
import { magicPacket, parseMac, parseSecureOn } from './packet.ts'
import { sendPackets } from './packets.ts'
import { calledOff, meansOf, type MachineOptions } from './options.ts'

export interface WakeOptions {
  /** The node's or the host's name in the configuration. */
  readonly name: string
  /** `00:11:32:ab:cd:ef`. Without it packets can't wake it. */
  readonly mac?: string | undefined
  /** IPv4 addresses that packets are sent to; 255.255.255.255 by default. */
  readonly broadcast?: readonly string[] | undefined
  /** UDP; 9 (discard) by default and by custom. */
  readonly port?: number | undefined
  /** The network interface that packets leave by. Its own broadcast address is added to the others. */
  readonly interface?: string | undefined
  /** The SecureOn password, already read from its file: six bytes as a MAC address, or four as an IPv4 address. */
  readonly secureOn?: string | undefined
  /** What else switches it on. It must be safe to repeat. */
  readonly powerOn?: HttpCall | CommandCall | undefined
}

/** Wakes machines by magic packets, three copies to every destination, and by the configured `powerOn` call. */
export function createWaker(options: readonly WakeOptions[], machineOptions: MachineOptions = {}): Waker {
  const means = meansOf(machineOptions)
  const machines = new Map(options.map((machine) => [machine.name, machine]))

  function find(name: string): WakeOptions {
    const machine = machines.get(name)
    if (!machine) throw new AgentError('misconfigured', `the configuration has no machine ${name} to wake`)
    return machine
  }

  return {
    wake: async (name, signal) => {
      const machine = find(name)
      const doing = `wake ${name}`
      const packet = packetFor(doing, machine)
      if (signal.aborted) throw calledOff(doing, signal)
      const { broadcast = ['255.255.255.255'], port = 9, interface: leavesBy } = machine
      await sendPackets({ doing, packet, destinations: broadcast, port, leavesBy, signal, log: machineOptions.log })
    },
    powerOn: async (name, signal) => {
      const { powerOn } = find(name)
      const doing = `switch ${name} on`
      if (powerOn === undefined)
        throw new AgentError(
          'misconfigured',
          `${doing}: only magic packets are configured for it: add \`wake.powerOn\``,
        )
      if (powerOn.kind === 'http') return makeCall(doing, powerOn, means, signal)
      if (powerOn.kind === 'command') return runCommand(doing, powerOn, means, signal)
      return assertNever(powerOn)
    },
  }
}

function packetFor(doing: string, { mac, secureOn }: WakeOptions): Buffer {
  if (mac === undefined) throw new AgentError('misconfigured', `${doing}: it has no MAC address: add \`mac\``)
  const address = parseMac(mac)
  if (!address)
    throw new AgentError('misconfigured', `${doing}: its \`mac\` is not a MAC address such as 00:11:32:ab:cd:ef`)
  if (secureOn === undefined) return magicPacket(address)
  const password = parseSecureOn(secureOn.trim())
  if (password) return magicPacket(address, password)
  throw new AgentError(
    'misconfigured',
    `${doing}: its SecureOn password is neither six bytes as a MAC address nor four as an IPv4 address`,
  )
}
