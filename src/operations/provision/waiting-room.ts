import type { MaintenanceLook } from '../../core/provision/seen.ts'
import { createConsoles } from './consoles.ts'

/** What was seen of machines that wait in maintenance, in memory: after a restart they are looked at again. */
export interface WaitingRoom {
  /** A line of its screen. */
  line(address: string, text: string): void
  /** What it told at a look; undefined: it does not answer. */
  seen(id: string, address: string, look: MaintenanceLook | undefined): void
  /** At one of its addresses, or at the one where it was seen last. */
  of(id: string, address?: string): SeenWaiting | undefined
  /** The oldest line first. */
  console(address: string): readonly string[]
}

export interface SeenWaiting extends MaintenanceLook {
  readonly address: string
  /** ISO 8601. */
  readonly at: string
}

/** So many machines are remembered. */
const most = 64

export function createWaitingRoom(now: () => Date): WaitingRoom {
  const consoles = createConsoles()
  const known = new Map<string, SeenWaiting>()
  return {
    line: consoles.line,
    seen(id, address, look) {
      const key = `${id} ${address}`
      known.delete(key)
      if (look) known.set(key, { ...look, address, at: now().toISOString() })
      const [oldest] = known.keys()
      if (known.size > most && oldest !== undefined) known.delete(oldest)
    },
    of: (id, address) =>
      address === undefined
        ? [...known].findLast(([key]) => key.startsWith(`${id} `))?.[1]
        : known.get(`${id} ${address}`),
    console: consoles.of,
  }
}
