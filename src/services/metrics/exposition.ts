import Registry from '@prometheus-io/client/lib/registry.js'
import type { Metric } from '@prometheus-io/client'
import type { MetricSpec, Sample } from '../../core/metrics/metric.ts'

/** What Prometheus takes, and what it asks for by `Accept`. */
const formats = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openMetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
} as const
export type Format = keyof typeof formats

/** What is asked for by an `Accept` header. */
export function formatFor(accept: string | null): Format {
  return accept?.includes('application/openmetrics-text') ? 'openMetrics' : 'text'
}

export interface Exposition {
  readonly contentType: string
  readonly text: string
}

/** The samples in the format of Prometheus, family by family in the order of the table. */
export async function expose(
  samples: readonly Sample[],
  table: ReadonlyMap<string, MetricSpec>,
  format: Format,
): Promise<Exposition> {
  const registry = new Registry(formats[format])
  const families = Map.groupBy(samples, ({ family }) => family)
  for (const [name, { type, help }] of table) {
    const values = (families.get(name) ?? []).map(({ series = '', labels, value }) => ({
      value,
      labels,
      // The registry itself adds `_total` in OpenMetrics, where the family has none.
      ...(series === '' ? {} : { metricName: `${name}${series}` }),
    }))
    if (values.length === 0) continue
    // All that the registry asks of what it writes; it may give it another name.
    const metric = { name, type, help, values, get: async () => metric }
    registry.registerMetric(metric as unknown as Metric)
  }
  return { contentType: formats[format], text: await registry.metrics() }
}
