import { z } from 'zod'

/** The section `dashboard` of the configuration. */
export const section = z
  .strictObject({
    enabled: z.boolean().default(true).meta({ description: 'Whether it is served, where `api` is' }),
  })
  .meta({ description: 'Pages for browsers, on the port of `api`' })
