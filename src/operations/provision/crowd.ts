import type { Boot } from '../../core/netboot/boots.ts'
import { claimOf, isAsking, lastAtOf } from '../../core/provision/claimants.ts'
import { wasSeenBooting } from '../../core/provision/evidence.ts'
import type { Machine } from '../../core/provision/machine.ts'
import type { Claim, ConfigQuestion } from '../../core/provision/question.ts'
import type { MachineStore } from './store.ts'

/**
 * So many machines that only ask are kept, and so many that were rejected. Of those that ask so many at one address (a
 * router may stand between), and so many that are new within ten minutes: who makes them up does not write all day. That
 * one claims a card that is known proves nothing: of these only so many are taken note of beside the strangers, and so many
 * that claim to be the same machine come before them.
 */
const most = { pending: 64, rejected: 128, atOneAddress: 8, new: 64, newOfKnown: 32, alike: 4 }
const newWithin = 600_000
/** Who has been silent for so long is forgotten, in ms. */
const forgottenAfter = 7 * 86_400_000

export interface CrowdOptions {
  readonly store: MachineStore
  readonly boots: () => readonly Boot[]
  /** The name in machines.yaml of who claims this. */
  readonly writtenAs: (claim: Claim) => string | undefined
  readonly now: () => Date
}

/** Keeps those that nobody knows from crowding out those that somebody does. */
export interface Crowd {
  /** Whether one that has not asked so before is taken note of. */
  admits(question: ConfigQuestion, before: Machine | undefined): boolean
  /** Forgets those that only ask and are too many, but for this one. */
  bound(id: string): void
  /** Forgets those that only asked, and were silent for long. */
  forget(): void
  /** It is written in machines.yaml, or was seen booting. */
  isKnown(machine: Machine): boolean
}

export function createCrowd({ store, boots, writtenAs, now }: CrowdOptions): Crowd {
  /** When strangers were taken note of lately, in ms since the epoch. */
  let strangers: readonly number[] = []
  let known: readonly number[] = []

  const isKnown = (machine: Machine) =>
    writtenAs(claimOf(machine)) !== undefined || machine.claimants.some((one) => wasSeenBooting(one, boots()))

  /** Whether others that claim to be the same came before it. */
  const isOneOfMany = (machine: Machine, all: readonly Machine[]) => {
    const called = (one: Machine) => writtenAs(claimOf(one)) ?? claimOf(one).mac ?? one.id
    return all.filter((one) => one.firstAt < machine.firstAt && called(one) === called(machine)).length >= most.alike
  }

  const only = (state: Machine['state']) => store.all().filter((machine) => machine.state === state)

  return {
    isKnown,
    admits: ({ claim, address }, before) => {
      if (before !== undefined) return true
      const at = now().getTime()
      const isHere = (machine: Machine) => machine.claimants.some((one) => one.address === address && isAsking(one, at))
      if (only('pending').filter(isHere).length >= most.atOneAddress) return false
      const isSeen = wasSeenBooting({ address, claim }, boots())
      const isLately = (one: number) => Math.abs(at - one) < newWithin
      known = known.filter(isLately)
      if ((writtenAs(claim) !== undefined || isSeen) && known.length < most.newOfKnown) {
        known = [...known, at]
        return true
      }
      strangers = strangers.filter(isLately)
      if (strangers.length >= most.new) return false
      strangers = [...strangers, at]
      return true
    },
    bound: (id) => {
      const pending = only('pending')
      if (pending.length <= most.pending) return
      const isDear = (one: Machine) => isKnown(one) && !isOneOfMany(one, pending)
      // Those that asked last stand first.
      const leaving = [...pending.filter(isDear), ...pending.filter((one) => !isDear(one))]
        .filter((one) => one.id !== id)
        .toReversed()
      for (const one of leaving.slice(0, pending.length - most.pending)) store.remove(one.id)
    },
    forget: () => {
      const rejected = only('rejected').toSorted((one, other) => (one.since < other.since ? 1 : -1))
      for (const { id } of rejected.slice(most.rejected)) store.remove(id)
      for (const machine of only('pending'))
        if (now().getTime() - Date.parse(lastAtOf(machine)) > forgottenAfter) store.remove(machine.id)
    },
  }
}
