import { AgentError } from '../../core/errors.ts'
import type { Journal } from '../../core/journal.ts'
import { lastAtOf } from '../../core/provision/claimants.ts'
import { type Machine, machineKind } from '../../core/provision/machine.ts'
import type { Durability } from '../../core/records.ts'

/** The machines on record, and those who wait for a change of one. */
export interface MachineStore {
  get(id: string): Machine | undefined
  /** Those that asked last first. */
  all(): readonly Machine[]
  /** `now` is on the disk when it returns, and is a change that others hear of; `later` only counts. */
  put(machine: Machine, durability: Durability): void
  remove(id: string): void
  /** Resolves with the next change of this machine. @throws AgentError `timed-out` when the signal aborts */
  changed(id: string, signal: AbortSignal): Promise<void>
  /** Why nothing reaches the disk; undefined where it does. */
  readonly degraded: string | undefined
}

export function createMachineStore(journal: Pick<Journal, 'records' | 'degraded'>): MachineStore {
  const records = journal.records(machineKind)
  const machines = new Map(records.newest(Number.MAX_SAFE_INTEGER).map((machine) => [machine.id, machine]))
  const waiting = new Map<string, Set<() => void>>()

  function tell(id: string): void {
    for (const wake of waiting.get(id) ?? []) wake()
  }

  return {
    get: (id) => machines.get(id),
    all: () => [...machines.values()].toSorted((one, other) => (lastAtOf(one) < lastAtOf(other) ? 1 : -1)),
    put: (machine, durability) => {
      machines.set(machine.id, machine)
      records.save(machine, durability)
      if (durability === 'now') tell(machine.id)
    },
    remove: (id) => {
      machines.delete(id)
      records.remove(id)
      tell(id)
    },
    changed: (id, signal) =>
      new Promise((resolve, reject) => {
        const all = waiting.get(id) ?? new Set()
        waiting.set(id, all)
        const end = () => {
          all.delete(wake)
          if (all.size === 0) waiting.delete(id)
          signal.removeEventListener('abort', abort)
        }
        const wake = () => {
          end()
          resolve()
        }
        const abort = () => {
          end()
          reject(new AgentError('timed-out', 'nothing has changed for it', signal.reason))
        }
        all.add(wake)
        signal.addEventListener('abort', abort, { once: true })
        if (signal.aborted) abort()
      }),
    get degraded() {
      return journal.degraded
    },
  }
}
