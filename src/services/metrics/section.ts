import { z } from 'zod'

/** The section `metrics` of the configuration. */
export const section = z
  .strictObject({
    enabled: z.boolean().default(true).meta({ description: 'Whether they are served, where `api` is' }),
  })
  .meta({ description: 'Metrics for Prometheus, at /metrics of the API' })
export type MetricsSection = z.output<typeof section>
