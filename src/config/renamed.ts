/** Settings that had another name in 0.1.0, by their path; `*` stands for any index. Their new names replace the last key. */
const renamed: Readonly<Record<string, string>> = {
  ...feedKeys('power.feed'),
  ...feedKeys('nodes.*.feed'),
  ...feedKeys('hosts.*.feed'),
  'hosts.*.within': 'shutdownTimeout',
  'power.doubtedBatteryAfter': 'unconfirmedLowBatteryAfter',
  'power.drain': 'drainTimeout',
  'power.maxDepletion': 'maxDischargeRate',
  'power.nodeStops': 'shutdownTimeout',
  'power.pollOnBattery': 'pollIntervalOnBattery',
  'power.pollOnMains': 'pollInterval',
  'power.silence': 'deadTime',
  'power.wake.retryEvery': 'retryInterval',
  'power.wake.stableFor': 'stableAfter',
  'upgrade.checksWithin': 'checksTimeout',
  'upgrade.drain': 'drainTimeout',
  'upgrade.draining.blockedFor': 'blockedTimeout',
  'upgrade.draining.last.*.within': 'timeout',
  'upgrade.draining.tierWithin': 'tierTimeout',
  'upgrade.draining.volumesWithin': 'volumeDetachTimeout',
  'upgrade.install': 'installTimeout',
  'upgrade.nodeTakes': 'nodeEstimate',
  'upgrade.reboot': 'rebootTimeout',
}

function feedKeys(feed: string): Readonly<Record<string, string>> {
  return { [`${feed}.weights`]: 'powerValue', [`${feed}.atLeast`]: 'minSupplies' }
}

/** A setting that the configuration still has under its old name. */
export interface RenamedSetting {
  readonly path: readonly (string | number)[]
  /** The whole path under its new name: `power.deadTime`. */
  readonly now: string
}

/** Finds every setting of a parsed configuration that goes by an old name. */
export function findRenamed(value: unknown): readonly RenamedSetting[] {
  return Object.entries(renamed).flatMap(([pattern, name]) =>
    matchesOf(value, pattern.split('.')).map((path) => ({ path, now: [...path.slice(0, -1), name].join('.') })),
  )
}

/** The paths in `value` that a pattern matches. */
function matchesOf(value: unknown, [key, ...rest]: readonly string[]): readonly (string | number)[][] {
  if (key === undefined) return [[]]
  if (typeof value !== 'object' || value === null) return []
  const keys = key === '*' && Array.isArray(value) ? [...value.keys()] : Object.hasOwn(value, key) ? [key] : []
  return keys.flatMap((one) =>
    matchesOf((value as Readonly<Record<string | number, unknown>>)[one], rest).map((path) => [one, ...path]),
  )
}
