import { AgentError } from './errors.ts'
import { count, type Shape } from './shape.ts'

/**
 * What the agent must not forget, as records of many kinds. A kind is declared beside its type; the store knows none of
 * them, so a new one touches nothing else.
 */
export interface RecordStore {
  /** The records of a kind. The same kind gives the same records. */
  records<T>(kind: RecordKind<T>): Records<T>
  /** Why records are kept in memory; undefined if the disk works. */
  readonly degraded: string | undefined
}

export interface RecordKind<T> {
  /** Its name in the store, for ever: `outage`. */
  readonly name: string
  /** Reads a record that may be of an older release, or broken. @throws AgentError `malformed` */
  parse(value: unknown): T
  /** What it is known by, and sorted: the newest has the greatest key. */
  keyOf(record: T): string
  /** Whether it is open: an outage that is not over. What is open is never given up, whatever becomes of the disk. */
  isOpen(record: T): boolean
  readonly retention: Retention
}

/** How long records that are not open are kept. */
export interface Retention {
  /** The newest so many. */
  readonly most: number
  /** And of them those that were saved within so many ms; absent: however old. */
  readonly age?: number
  /** Only people read it: it goes first where room is scarce. */
  readonly isExpendable?: boolean
}

/** `now`: on the disk when the call returns. `later`: in memory, and on the disk with the next write of anything. */
export type Durability = 'now' | 'later'

/**
 * The records of one kind. Calls do not wait and do not throw: where the disk fails, memory takes over. A record that
 * can't be read is set aside when it is come upon, and costs the others nothing.
 */
export interface Records<T> {
  get(key: string): T | undefined
  /** Those that are open, the greatest key first. */
  open(): readonly T[]
  /** Open or not, the greatest key first; only those with a key below `before`, where that is given. */
  newest(limit: number, before?: string): readonly T[]
  /** The greatest key there is, whatever its record is worth. */
  lastKey(): string | undefined
  /** Adds it, or replaces the one with its key. An unchanged record is not written again. */
  save(record: T, durability?: Durability): void
  remove(key: string, durability?: Durability): void
}

/** A fact is a kind with one record, which is open for ever. */
export function factKind<T>(name: string, parse: (value: unknown) => T): RecordKind<T> {
  return { name: `fact.${name}`, parse, keyOf: () => '', isOpen: () => true, retention: { most: 1 } }
}

/** The key of a record that is known by a number, so that keys sort as the numbers do. */
export function numberedKey(id: number): string {
  return String(id).padStart(12, '0')
}

/** A thousand a second for three years: a greater number was given by nobody of ours, and few would be left behind it. */
const mostNumber = 10 ** 11

/** The number of such a record. */
export const recordNumber: Shape<number> = (value, at) => {
  if (count(value, at) > mostNumber) throw new AgentError('malformed', `${at ?? 'it'} is beyond ${mostNumber}`)
  return value as number
}

/** The greatest number that was given so far. A record under a key that is none is read, and so set aside. */
export function lastNumber<T>(records: Pick<Records<T>, 'lastKey' | 'get'>): number {
  for (let before: string | undefined; ;) {
    const key = records.lastKey() ?? numberedKey(0)
    const number = Number(key)
    if (numberedKey(number) === key && number <= mostNumber) return number
    // Whoever only reads sets nothing aside, and gives no numbers.
    if (key === before) return 0
    records.get(key)
    before = key
  }
}
