import type { ConfigurationAnswer, TransferEvent } from '../../../src/core/netboot/boot-event.ts'
import type { Boot } from '../../../src/core/netboot/boots.ts'
import { nextBoot } from '../../../src/core/netboot/next-boot.ts'
import type { AskingMachine, BootEvent, DhcpEvent } from '../../../src/core/netboot/dhcp-event.ts'

/** What is seen of a machine that boots, in the fewest words. Times are seconds after noon. */

export const at = (seconds: number) => new Date(Date.UTC(2026, 10, 27, 12, 0, 0) + 1_000 * seconds).toISOString()
export const mac = '52:54:00:12:34:56'
export const address = '192.168.0.111'
export const file = 'metal-amd64-uki.efi'

const machine: AskingMachine = { mac, kind: 'pxe', firmware: 'UEFI x64', architecture: 'amd64' }
export const transfer = { id: 1, by: 'tftp', client: address, mac: undefined, file } as const

export const asks = (seconds: number, more: Partial<DhcpEvent & { type: 'boot.asked' }> = {}): BootEvent => ({
  type: 'boot.asked',
  at: at(seconds),
  machine,
  file,
  isServedHere: true,
  why: 'it is not in the configuration',
  ...more,
})
export const leftAlone = (seconds: number): BootEvent => ({
  type: 'boot.asked',
  at: at(seconds),
  machine,
  why: 'it is installed',
})
export const takes = (seconds: number): BootEvent => ({ type: 'boot.taken', at: at(seconds), mac, address })
export const startsSystem = (seconds: number): BootEvent => ({ type: 'boot.system', at: at(seconds), mac })
export const uuid = '12345678-1234-5678-9abc-def012345678'
export const asksForConfiguration = (seconds: number, answer: ConfigurationAnswer = 'pending'): BootEvent => ({
  type: 'boot.configuration',
  at: at(seconds),
  machine: { client: address, mac, uuid },
  answer,
})
export const runs = (seconds: number): BootEvent => ({
  type: 'boot.running',
  at: at(seconds),
  machine: { client: address, mac },
})

type Of<Type extends TransferEvent['type']> = Partial<Extract<TransferEvent, { readonly type: Type }>>

export const probes = (seconds: number, bytes = 100_000): BootEvent => ({
  type: 'boot.probed',
  at: at(seconds),
  transfer,
  bytes,
})
export const starts = (seconds: number, more: Of<'boot.started'> = {}): BootEvent => ({
  type: 'boot.started',
  at: at(seconds),
  transfer,
  bytes: 100_000,
  version: 'a',
  options: { blockSize: 1_468, windowSize: 4 },
  ...more,
})
export const progresses = (seconds: number, arrived: number): BootEvent => ({
  type: 'boot.progressed',
  at: at(seconds),
  transfer,
  arrived,
})
export const ends = (seconds: number, more: Of<'boot.done'> = {}): BootEvent => ({
  type: 'boot.done',
  at: at(seconds),
  transfer,
  bytes: 100_000,
  took: 2_000,
  resent: 0,
  ...more,
})
export const aborts = (seconds: number, more: Of<'boot.aborted'> = {}): BootEvent => ({
  type: 'boot.aborted',
  at: at(seconds),
  transfer,
  arrived: 40_000,
  reason: 'silent',
  text: '',
  ...more,
})
export const refused = (seconds: number, more: Of<'boot.refused'> = {}): BootEvent => ({
  type: 'boot.refused',
  at: at(seconds),
  transfer,
  reason: 'not-found',
  ...more,
})

/** The tries that these events make, newest first. */
export function triesOf(events: readonly BootEvent[]): readonly Boot[] {
  return events.reduce<readonly Boot[]>((tries, event) => {
    const [last, ...before] = tries
    const next = nextBoot(last, event)
    if (!next) return tries
    return last?.startedAt === next.startedAt ? [next, ...before] : [next, ...tries]
  }, [])
}
