import { beginOutage, type Outage, withMachines } from '../../../src/core/power/outage.ts'

/** An outage for a low battery that these machines are in. */
export function outageOf(
  startedAt: Date,
  names: readonly string[],
  wasUp: Iterable<string>,
  wasHealthy?: Iterable<string>,
): Outage {
  const healthy = wasHealthy === undefined ? undefined : new Set(wasHealthy)
  return withMachines(beginOutage(startedAt, 'low-battery'), names, new Set(wasUp), healthy)
}
