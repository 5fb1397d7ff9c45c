import type { Facts } from '../known-facts.ts'
import { bootMetrics, readBoots } from './boot-metrics.ts'
import { meteredMetrics } from './meter.ts'
import type { MetricSpec, Sample, Table } from './metric.ts'
import { nodeMetrics, readNodes } from './node-metrics.ts'
import { ownMetrics, readOwn } from './own-metrics.ts'
import { powerMetrics, readPower } from './power-metrics.ts'
import { processMetrics } from './process-metrics.ts'
import { readReleases, releaseMetrics } from './release-metrics.ts'
import { readRollout, rolloutMetrics } from './rollout-metrics.ts'

/** Every metric that Caretaker shows, by subject. */
export const metricGroups = [
  { title: 'Caretaker', table: ownMetrics },
  { title: 'Releases and the share', table: releaseMetrics },
  { title: 'Nodes', table: nodeMetrics },
  { title: 'Rollouts', table: rolloutMetrics },
  { title: 'Power', table: powerMetrics },
  { title: 'Boots from the network', table: bootMetrics },
  { title: 'What is counted and measured', table: meteredMetrics },
  { title: 'The process', table: processMetrics },
] as const satisfies readonly { readonly title: string; readonly table: Table }[]

export const allMetrics: ReadonlyMap<string, MetricSpec> = new Map(
  metricGroups.flatMap(({ table }) => Object.entries<MetricSpec>(table)),
)

const readers = [readOwn, readReleases, readNodes, readRollout, readPower, readBoots]

/** What is known, as samples. */
export function readFacts(facts: Facts): readonly Sample[] {
  return readers.flatMap((read) => read(facts))
}

/** The unit that a name ends with: `seconds`; empty where it counts things. */
export function unitOf(name: string): string {
  const [, unit = ''] = /_(seconds|bytes|ratio|info)(?:_total)?$/.exec(name) ?? []
  return unit === 'info' ? '' : unit
}
