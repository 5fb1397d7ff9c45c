import type { Config } from '../../config/config.ts'
import { normalMac } from '../../core/address.ts'
import type { Journal } from '../../core/journal.ts'
import { knownMachines } from '../../core/netboot/machines.ts'
import { remembered } from '../../operations/facts.ts'

/** Cards of machines that people have named: a flood of made-up ones is not to cost them their boot. */
export interface KnownCards {
  has(mac: string): boolean
  /** A machine of the configuration has spoken with this card, and was told by its UUID. */
  learn(mac: string): void
}

/** So many cards are learned. A UUID is no secret, and whoever makes up cards for it fills no more than this. */
const mostLearned = 64
/** In ms: how long it takes until what a person has asked for is seen here. */
const readEvery = 1_000

/** @param monotonic in ms */
export function createKnownCards(config: () => Config, journal: Journal, monotonic: () => number): KnownCards {
  const learned = new Set<string>()
  let read: { readonly of: Config; readonly at: number; readonly named: ReadonlySet<string> } | undefined

  function named(): ReadonlySet<string> {
    const now = config()
    const at = monotonic()
    if (read?.of !== now || at - read.at > readEvery) read = { of: now, at, named: readNamed(now, journal) }
    return read.named
  }

  return {
    has: (mac) => learned.has(mac) || named().has(mac),
    learn: (mac) => {
      if (named().has(mac)) return
      // The one that spoke last stands last.
      learned.delete(mac)
      learned.add(mac)
      const [oldest] = learned
      if (learned.size > mostLearned && oldest !== undefined) learned.delete(oldest)
    },
  }
}

function readNamed(config: Config, journal: Journal): ReadonlySet<string> {
  const armed = Object.keys(remembered.netbootArmed.recall(journal) ?? {})
  const configured = config.netboot.machines.map(({ machine }) => machine)
  return new Set([
    ...knownMachines(config).flatMap(({ macs }) => macs),
    ...[...armed, ...configured].flatMap((one) => normalMac(one) ?? []),
  ])
}
