import { metricGroups, unitOf } from '../src/core/metrics/table.ts'
import type { MetricSpec } from '../src/core/metrics/metric.ts'

/** The tables of docs/metrics.md: every metric, from the table of which the samples are made. */
export function metricsTables(): string {
  const parts = metricGroups.flatMap(({ title, table }) => [
    `### ${title}`,
    [
      '| name | type | unit | labels | what it shows |',
      '| --- | --- | --- | --- | --- |',
      ...Object.entries<MetricSpec>(table).map(([name, spec]) => rowOf(name, spec)),
    ].join('\n'),
  ])
  return parts.join('\n\n')
}

function rowOf(name: string, { type, help, labels, buckets }: MetricSpec): string {
  const all = Object.entries(labels).map(([label, values]) => `\`${label}\`: ${values}`)
  const bounds = buckets ? `; buckets up to ${buckets.join(', ')}` : ''
  return `| \`${name}\` | ${type} | ${unitOf(name)} | ${all.join('<br>')} | ${help}${bounds} |`
}

const begins = '<!-- made by npm run generate; edits below are lost -->'

/** The page with its tables as they are now. What stands before them is written by hand. */
export function withTables(page: string): string {
  const [before = ''] = page.split(begins)
  return `${before}${begins}\n\n${metricsTables()}\n`
}
