import type { Journal } from '../../src/core/journal.ts'
import type { Ports } from '../../src/core/ports.ts'
import type { RecordKind, Records } from '../../src/core/records.ts'

/** What a dead agent has at hand of it writes nothing, and holds nothing: also the records that it got while it lived. */
function mortalJournal(journal: Journal, isDead: () => boolean): Journal {
  const recordsOf = <T>(kind: RecordKind<T>): Records<T> => {
    const records = journal.records(kind)
    return {
      get: (key) => (isDead() ? undefined : records.get(key)),
      open: () => (isDead() ? [] : records.open()),
      newest: (limit, before) => (isDead() ? [] : records.newest(limit, before)),
      lastKey: () => (isDead() ? undefined : records.lastKey()),
      save: (record, durability) => (isDead() ? undefined : records.save(record, durability)),
      remove: (key, durability) => (isDead() ? undefined : records.remove(key, durability)),
    }
  }
  return new Proxy(journal, {
    get: (target, name) => {
      if (name === 'records') return recordsOf
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...given: unknown[]): unknown => (isDead() ? undefined : Reflect.apply(value, target, given))
    },
  })
}

/** The ports of an agent that may die at any moment: what it had not done by then it never does. */
export function mortalPorts(ports: Ports): {
  readonly ports: Ports
  die(): void
  /** The same of something else that it has. */
  alive<T extends object>(one: T): T
} {
  let isDead = false
  const mortal = <Port extends object>(port: Port, ended: () => unknown): Port =>
    new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...given: unknown[]): unknown => (isDead ? ended() : Reflect.apply(value, target, given))
      },
    })
  const forever = () => new Promise(() => {})
  const { journal, upses, ...others } = ports
  const wrapped = Object.fromEntries(
    Object.entries(others).map(([name, port]) => [name, mortal(port as object, forever)]),
  )
  return {
    die: () => void (isDead = true),
    alive: (one) => mortal(one, () => undefined),
    ports: {
      ...(wrapped as Omit<Ports, 'journal' | 'upses'>),
      // The dead read nothing either, but what they read last must not make them throw.
      journal: mortalJournal(journal, () => isDead),
      upses: new Map([...upses].map(([label, ups]) => [label, mortal(ups, forever)])),
    },
  }
}
