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

/** The samples of a family as they were written last, and their text. */
interface Written {
  readonly samples: readonly Sample[]
  readonly text: string
}

export type Expose = (
  samples: readonly Sample[],
  table: ReadonlyMap<string, MetricSpec>,
  format: Format,
) => Promise<Exposition>

/**
 * Writes samples in the format of Prometheus, family by family in the order of the table. Most of them are about nodes, and say
 * the same as in the scrape before: what does is not written anew.
 */
export function createExposition(): Expose {
  const written = { text: new Map<string, Written>(), openMetrics: new Map<string, Written>() }

  async function write(name: string, { type, help }: MetricSpec, all: readonly Sample[], format: Format) {
    const before = written[format].get(name)
    if (before && isSame(before.samples, all)) return before.text
    const registry = new Registry(formats[format])
    const values = all.map(({ series = '', labels, value }) => ({
      value,
      labels,
      // The registry itself adds `_total` in OpenMetrics, where the family has none.
      ...(series === '' ? {} : { metricName: `${name}${series}` }),
    }))
    // All that the registry asks of what it writes; it may give it another name.
    const metric = { name, type, help, values, get: async () => metric }
    registry.registerMetric(metric as unknown as Metric)
    const text = (await registry.metrics()).replace(endOf[format], '')
    written[format].set(name, { samples: all, text })
    return text
  }

  return async (samples, table, format) => {
    const families = Map.groupBy(samples, ({ family }) => family)
    const texts: string[] = []
    for (const [name, spec] of table) {
      const all = families.get(name)
      if (all) texts.push(await write(name, spec, all, format))
    }
    const end = format === 'text' ? '\n' : '\n# EOF\n'
    return { contentType: formats[format], text: texts.join(format === 'text' ? '\n\n' : '\n') + end }
  }
}

/** What stands behind the last family. */
const endOf = { text: /\n$/, openMetrics: /\n# EOF\n$/ }

function isSame(before: readonly Sample[], now: readonly Sample[]): boolean {
  return before.length === now.length && before.every((one, index) => isSameSample(one, now[index]!))
}

function isSameSample(before: Sample, now: Sample): boolean {
  if (!Object.is(before.value, now.value) || before.series !== now.series) return false
  let count = 0
  for (const name in before.labels) {
    if (before.labels[name] !== now.labels[name]) return false
    count += 1
  }
  for (const _ in now.labels) count -= 1
  return count === 0
}
