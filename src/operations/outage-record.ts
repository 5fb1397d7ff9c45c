import type { JobContext } from './job.ts'
import { type Outage, type OutageNode, withNodeState } from '../core/power/outage.ts'

/** The record of the open outage, on the disk before anything is done because of it. */
export interface OutageRecord {
  readonly current: Outage
  update(change: (outage: Outage) => Outage): void
  /** Notes a machine's state, and when. */
  node(name: string, state: OutageNode['state']): void
}

/** Opens the record of an outage, which another job may have changed meanwhile: each change is of what is there then. */
export function openRecord(
  { ports: { journal }, now }: Pick<JobContext, 'ports' | 'now'>,
  begun: Outage,
): OutageRecord {
  let last = begun
  const current = () => {
    const open = journal.openOutage()
    return open?.startedAt === begun.startedAt ? open : last
  }
  const update = (change: (outage: Outage) => Outage) => {
    last = change(current())
    journal.saveOutage(last)
  }
  return {
    get current() {
      return current()
    },
    update,
    node: (name, state) => update((outage) => withNodeState(outage, name, state, now())),
  }
}
