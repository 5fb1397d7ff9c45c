import type { Carrier, Transfer, TransferEvent } from '../../core/netboot/boot-event.ts'
import { createLibrary, type Library } from './files/library.ts'
import type { BootLimits } from './limits.ts'
import { createNeighbours } from './neighbours.ts'
import { createAllowance } from '../../core/allowance.ts'
import { createTally, type Unserved } from './tally.ts'
import { watch, type Watched } from './watched.ts'

/** What all doors share: files, limits, and whoever is told. */
export interface Desk {
  readonly library: Library
  readonly limits: BootLimits
  /** Monotonic, in ms. */
  readonly now: () => number
  /** Who is behind an address: its card, where that is known. One machine may have many addresses. */
  holderOf(client: string): string
  /** Whether one more request of that machine is answered; it counts. */
  allows(by: Carrier, client: string): boolean
  /** A transfer that begins: what becomes of it is told. */
  watch(by: Carrier, client: string, file: string): Promise<Watched>
  /** Requests that got no file since this was asked last. */
  takeUnserved(): readonly Unserved[]
  /** What is not to happen, for the log. */
  failed(error: unknown): void
}

/** Events a second that are not the beginning or the end of a transfer. */
const mostTold = { burst: 200, perSecond: 50 } as const
/** Faults a second: what a stranger may cause again and again is not to fill a log. */
const mostFailed = { burst: 10, perSecond: 0.1 } as const

export interface DeskOptions {
  readonly root: string
  readonly limits: BootLimits
  readonly now: () => number
  tell(event: TransferEvent): void
  /** Resolves when it is noted that the last part of a file may arrive. */
  ending(transfer: Transfer): Promise<void>
  failed(error: unknown): void
}

export function createDesk({ root, limits, now, tell, ending, failed }: DeskOptions): Desk {
  const neighbours = createNeighbours(now)
  const allowance = createAllowance(limits, now)
  const strangers = createAllowance(limits.strangers, now)
  /** What is told again and again is not to cost whoever is told more than that. */
  const telling = createAllowance(mostTold, now)
  const failing = createAllowance(mostFailed, now)
  const tally = createTally()
  const tellSome = (event: TransferEvent) => {
    if (event.type === 'boot.refused') tally.add(event.transfer.by, event.reason)
    const mayBeLost = event.type === 'boot.refused' || event.type === 'boot.probed' || event.type === 'boot.progressed'
    if (!mayBeLost || telling.take('')) tell(event)
  }
  let transfers = 0
  return {
    library: createLibrary({ root, pinned: limits.pinned, pins: limits.pins, now }),
    limits,
    now,
    holderOf: (client) => neighbours.lastMacOf(client) ?? client,
    allows: (by, client) => {
      // Without a connection anybody may write any address, and those of neighbours are known by their cards.
      const isProven = by === 'http' || neighbours.lastMacOf(client) !== undefined
      const isAllowed = allowance.take(client) && (isProven || strangers.take(''))
      if (!isAllowed) tally.add(by, 'limit')
      return isAllowed
    },
    takeUnserved: tally.take,
    watch: async (by, client, file) => {
      transfers += 1
      const id = transfers
      const mac = await neighbours.macOf(client)
      const name = file.replaceAll(/[^\x20-\x7E]/g, '?').slice(0, 255)
      return watch({ id, by, client, mac, file: name }, { tell: tellSome, ending, now })
    },
    failed: (error) => {
      if (failing.take('')) failed(error)
    },
  }
}
