import type { Config } from '../config/config.ts'
import type { Alerts } from '../core/alert.ts'
import type { Journal } from '../core/journal.ts'
import type { Facts, ReleaseFacts, RolloutFacts } from '../core/known-facts.ts'
import { deliveryKind } from '../core/notify/delivery.ts'
import type { Operator } from '../core/operator.ts'
import { firstSeenKind } from '../core/release/first-seen.ts'
import { remembered } from './facts.ts'

/** What facts are gathered from. */
export interface FactsMeans {
  readonly operator: Operator
  readonly ports: { readonly journal: Journal }
  readonly alerts: Pick<Alerts, 'all'>
  config(): Config
  now(): Date
}

/** Everything that is known. Asks no node, no UPS and no Factory. */
export async function gatherFacts({ operator, ports: { journal }, alerts, config, now }: FactsMeans): Promise<Facts> {
  const known = await operator.known()
  const { notifications } = config() as { readonly notifications?: { readonly channels?: object } }
  return {
    now: now(),
    known,
    power: operator.power.state(),
    shutdown: fitOf(operator),
    alerts: alerts.all,
    waiting: journal.records(deliveryKind).open(),
    channels: Object.keys(notifications?.channels ?? {}),
    isJournalDegraded: journal.degraded !== undefined,
    releases: releasesIn(journal),
    rollout: rolloutIn(journal, config()),
    outage: journal.outages(1)[0],
    boots: operator.netboot.status(),
  }
}

/** Nothing else of the scrape fails where a plan can't be made. */
function fitOf({ power }: Operator): Facts['shutdown'] {
  try {
    return power.fit()
  } catch {
    return undefined
  }
}

function releasesIn(journal: Journal): ReleaseFacts {
  return {
    target: remembered.target.recall(journal),
    coming: remembered.coming.recall(journal),
    offered: remembered.versions.recall(journal) ?? [],
    withdrawn: remembered.withdrawn.recall(journal) ?? [],
    firstSeen: new Map(
      journal
        .records(firstSeenKind)
        .open()
        .map(({ version, firstSeen }) => [version, firstSeen]),
    ),
  }
}

function rolloutIn(journal: Journal, { upgrade }: Config): RolloutFacts {
  return {
    isEnabled: upgrade.enabled,
    isPaused: remembered.paused.recall(journal) !== undefined,
    windows: upgrade.windows,
    timeZone: upgrade.timeZone,
    openUntil: remembered.openUntil.recall(journal),
    waitsAt: remembered.waitsAt.recall(journal),
    newest: journal.rollouts(1)[0],
  }
}
