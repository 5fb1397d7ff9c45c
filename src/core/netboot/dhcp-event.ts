import type { Architecture } from '../release/image.ts'
import type { DhcpClient } from './dhcp/client.ts'
import type { StartEvent, TransferEvent } from './boot-event.ts'

/** What a client tells of itself, as far as people want to know it. */
export interface AskingMachine {
  /** As `normalMac` writes it. */
  readonly mac: string
  readonly uuid?: string
  readonly kind: 'pxe' | 'http' | 'ipxe'
  /** Of its firmware, in words. */
  readonly firmware: string
  readonly architecture?: Architecture
  /** Option 60, cleaned. */
  readonly classId?: string
}

/** What was seen of DHCP. `at` is ISO 8601. */
export type DhcpEvent =
  | {
      readonly type: 'boot.asked'
      readonly at: string
      readonly machine: AskingMachine
      /** What it was offered; absent where it got no answer. */
      readonly file?: string
      /** Whether Caretaker serves that file itself, so that its transfer is seen. */
      readonly isServedHere?: boolean
      /** Why it was offered that, or nothing, as a clause. */
      readonly why: string
      readonly warning?: string
    }
  /** It has taken an offer: it asks the DHCP server for the address, or us for the file at port 4011. */
  | { readonly type: 'boot.taken'; readonly at: string; readonly mac: string; readonly address?: string }
  /** An operating system of this card wants an address. */
  | { readonly type: 'boot.system'; readonly at: string; readonly mac: string }

/** All that is seen of machines that boot from the network. */
export type BootEvent = DhcpEvent | TransferEvent | StartEvent

/** The longest text of a client that is kept. */
const longestWord = 64

/** Who asks, for people; undefined for an operating system. */
export function askingMachine({ mac, uuid, kind, firmware, classId }: DhcpClient): AskingMachine | undefined {
  if (kind === 'system' || firmware === undefined) return undefined
  const word = classId?.replaceAll(/[^\x20-\x7E]/g, '').slice(0, longestWord)
  return {
    mac,
    ...(uuid === undefined ? {} : { uuid }),
    kind,
    firmware: firmware.name,
    ...(firmware.architecture === undefined ? {} : { architecture: firmware.architecture }),
    ...(word === undefined ? {} : { classId: word }),
  }
}
