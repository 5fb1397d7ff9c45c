import { readdir } from 'node:fs/promises'
import type { Facts, ReleaseFacts, RolloutFacts } from '../../core/metrics/facts.ts'
import type { Sample } from '../../core/metrics/metric.ts'
import { readProcess } from '../../core/metrics/process-metrics.ts'
import { readFacts } from '../../core/metrics/table.ts'
import { deliveryKind } from '../../core/notify/delivery.ts'
import { firstSeenKind } from '../../core/release/first-seen.ts'
import { remembered } from '../../operations/facts.ts'
import type { ServiceContext } from '../../operations/service.ts'

export type GatherContext = Pick<ServiceContext<unknown>, 'operator' | 'ports' | 'alerts' | 'config' | 'meter' | 'now'>

/** Everything that is known and was counted. Asks no node, no UPS and no Factory. */
export async function gatherSamples(context: GatherContext): Promise<readonly Sample[]> {
  const facts = await gatherFacts(context)
  return [...readFacts(facts), ...context.meter.read(), ...readProcess(await processFacts())]
}

async function gatherFacts({ operator, ports: { journal }, alerts, config, now }: GatherContext): Promise<Facts> {
  const known = await operator.known()
  const { notifications } = config() as { readonly notifications?: { readonly channels?: object } }
  return {
    now: now(),
    known,
    power: operator.power.state(),
    shutdown: planOf(operator),
    alerts: alerts.all,
    waiting: journal.records(deliveryKind).open(),
    channels: Object.keys(notifications?.channels ?? {}),
    isJournalDegraded: journal.degraded !== undefined,
    releases: releasesIn(journal),
    rollout: rolloutIn(journal, config()),
    outage: journal.outages(1)[0],
  }
}

/** Nothing else of the scrape fails where a plan can't be made. */
function planOf({ power }: GatherContext['operator']): Facts['shutdown'] {
  try {
    return power.plan()
  } catch {
    return undefined
  }
}

function releasesIn(journal: GatherContext['ports']['journal']): ReleaseFacts {
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

function rolloutIn(
  journal: GatherContext['ports']['journal'],
  { upgrade }: ReturnType<GatherContext['config']>,
): RolloutFacts {
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

async function processFacts() {
  const { rss, heapUsed, heapTotal } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  const openFiles = await readdir('/proc/self/fd').then(
    ({ length }) => length,
    () => undefined,
  )
  const cpu = (user + system) / 1_000_000
  return { startedAt: performance.timeOrigin / 1_000, cpu, resident: rss, heapUsed, heapTotal, openFiles }
}
