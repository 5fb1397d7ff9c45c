import { failed, type Finding, ok, warning } from './check.ts'

/** How the queue's store keeps what it is given. */
export interface StoreFacts {
  /** Where it is, for people: `its socket`, `valkey:6379`. */
  readonly at: string
  /** Whether it is the one that Caretaker runs itself. */
  readonly isOwn: boolean
  /** `valkey 8.1.1`, `redis 7.0.15`. */
  readonly server: string
  /** `noeviction`, `allkeys-lru`; undefined where it may not be asked. */
  readonly policy: string | undefined
  /** Whether it may use so much memory, in bytes; 0: as much as there is. */
  readonly memoryLimit: number | undefined
  /** Appends everything to a file. */
  readonly appends: boolean | undefined
  /** Saves everything now and then. */
  readonly saves: boolean | undefined
  /** It could not write last: why. */
  readonly trouble?: string
}

/** Whether jobs survive in it: nothing may be thrown out when memory is short, nor be gone after a restart. */
export function judgeStore({ at, isOwn, server, policy, appends, saves, trouble }: StoreFacts): Finding {
  const who = `the queue's store (${server} at ${at})`
  if (trouble !== undefined)
    return failed(`${who} can't write to its disk: ${trouble}`, 'Free space on its disk, and look at its log')
  if (policy !== undefined && policy !== 'noeviction')
    return failed(
      `${who} throws jobs out when its memory is full (maxmemory-policy ${policy})`,
      'Set `maxmemory-policy noeviction` in its configuration; best give Caretaker a store of its own',
    )
  if (appends === false && saves === false)
    return warning(
      `${who} keeps nothing over a restart: jobs that wait are lost with it, and come back by their next trigger`,
      'Set `appendonly yes` in its configuration',
    )
  if (policy === undefined || appends === undefined)
    return warning(
      `${who} does not tell how it keeps data: CONFIG is refused`,
      'See that it has `maxmemory-policy noeviction` and `appendonly yes`, or let its user run CONFIG GET',
    )
  if (!appends) return ok(`${who} throws nothing out, and saves now and then`)
  return ok(`${isOwn ? 'our own store' : who} throws nothing out, and appends everything to a file`)
}
