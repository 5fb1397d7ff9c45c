import { AgentError, assertNever } from '../../core/errors.ts'
import type { Waker } from '../../core/power/ports.ts'
import { type CommandCall, runCommand } from './command.ts'
import { type HttpCall, makeCall } from './http-call.ts'
import { magicPacket, parseMac, parseSecureOn } from './packet.ts'
import { describeOutlets } from './outlets.ts'
import { findOutlets, sendPackets } from './packets.ts'
import { createTurns } from './turns.ts'
import { calledOff, meansOf, type MachineOptions } from './options.ts'

export interface WakeOptions {
  /** The node's or the host's name in the configuration. */
  readonly name: string
  /** `00:11:32:ab:cd:ef`, of each of its network cards that may listen. Without one packets can't wake it. */
  readonly mac?: string | readonly string[] | undefined
  /** The name or the IP address that it has when it is up: packets leave by the interfaces in its network. */
  readonly address?: string | undefined
  /** IPv4 addresses that packets are sent to; 255.255.255.255, by each interface in the machine's network, by default. */
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
  const { turns = createTurns(() => 0) } = machineOptions

  function find(name: string): WakeOptions {
    const machine = machines.get(name)
    if (!machine) throw new AgentError('misconfigured', `the configuration has no machine ${name} to wake`)
    return machine
  }

  async function wayTo({ broadcast = ['255.255.255.255'], port = 9, interface: leavesBy, address }: WakeOptions) {
    // A name that does not resolve now leaves every interface.
    const known = address === undefined ? undefined : await means.names.find(address).catch(() => undefined)
    return { destinations: broadcast, port, leavesBy, machine: known?.addresses.map((one) => one.address) ?? [] }
  }

  return {
    wake: async (name, signal) => {
      const machine = find(name)
      const doing = `wake ${name}`
      const packets = packetsFor(doing, machine)
      if (signal.aborted) throw calledOff(doing, signal)
      await sendPackets({ doing, packets, ...(await wayTo(machine)), signal, log: machineOptions.log })
    },
    rehearse: async (name) => {
      const machine = find(name)
      const doing = `wake ${name}`
      packetsFor(doing, machine)
      return describeOutlets(await findOutlets({ doing, ...(await wayTo(machine)) }))
    },
    turnIn: async (name) => turns(find(name).name),
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

function packetsFor(doing: string, { mac, secureOn }: WakeOptions): readonly Buffer[] {
  const macs = typeof mac === 'string' ? [mac] : (mac ?? [])
  if (macs.length === 0) throw new AgentError('misconfigured', `${doing}: it has no MAC address: add \`mac\``)
  const password = secureOn === undefined ? undefined : parseSecureOn(secureOn.trim())
  if (secureOn !== undefined && !password)
    throw new AgentError(
      'misconfigured',
      `${doing}: its SecureOn password is neither six bytes as a MAC address nor four as an IPv4 address`,
    )
  return macs.map((text) => {
    const address = parseMac(text)
    if (address) return magicPacket(address, password)
    throw new AgentError('misconfigured', `${doing}: its \`mac\` is not a MAC address such as 00:11:32:ab:cd:ef`)
  })
}
