import type { Alert } from './alert.ts'
import type { KnownAnswer } from './known.ts'
import type { NetbootMachine } from './netboot/requests.ts'
import type { Delivery } from './notify/delivery.ts'
import type { PowerAnswer, PowerPlanAnswer } from './operator.ts'
import type { Outage } from './power/outage.ts'
import type { Rollout } from './upgrade/record.ts'
import type { Window } from './upgrade/window.ts'

/** Everything that is shown outside, as it is known: for none of it a node, a UPS or the Factory is asked. */
export interface Facts {
  readonly now: Date
  readonly known: KnownAnswer
  readonly power: PowerAnswer
  /** What a shutdown would do now; undefined where there is nothing to shut down. */
  readonly shutdown: Pick<PowerPlanAnswer, 'needsMs' | 'leftMs'> | undefined
  readonly alerts: readonly Pick<Alert, 'id' | 'severity' | 'text'>[]
  /** What waits to be sent, and every channel there is. */
  readonly waiting: readonly Pick<Delivery, 'channel'>[]
  readonly channels: readonly string[]
  readonly isJournalDegraded: boolean
  readonly releases: ReleaseFacts
  readonly rollout: RolloutFacts
  /** The newest outage, over or not. */
  readonly outage: Outage | undefined
  /** Machines that boot from the network; none where none has asked and none is to. */
  readonly boots: readonly NetbootMachine[]
}

export interface ReleaseFacts {
  readonly target: string | undefined
  /** The one that is the target, or is to become it. */
  readonly coming: string | undefined
  readonly offered: readonly string[]
  readonly withdrawn: readonly string[]
  /** When each was first seen, in ms since the epoch. */
  readonly firstSeen: ReadonlyMap<string, number>
}

export interface RolloutFacts {
  readonly isEnabled: boolean
  readonly isPaused: boolean
  readonly windows: readonly Window[]
  readonly timeZone: string
  /** Until when a person has opened one, in ms since the epoch. */
  readonly openUntil: number | undefined
  /** At which gate the upgrade waits; `stuck`: for a person. */
  readonly waitsAt: string | undefined
  /** The newest rollout, over or not. */
  readonly newest: Rollout | undefined
}
