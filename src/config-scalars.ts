import { z } from 'zod'
import { parseDuration } from './core/duration.ts'
import { parseVersion } from './core/version.ts'

/** What single settings may look like, wherever they stand. */

export const duration = z
  .string()
  .refine((text) => parseDuration(text) !== undefined, 'use a duration such as 30s, 10m, 2h or 7d')
  .transform((text) => parseDuration(text)!)
  .meta({ description: 'A duration: 500ms, 30s, 10m, 2h, 7d' })

export const version = z
  .string()
  .refine((text) => text.startsWith('v') && parseVersion(text) !== undefined, 'use a Talos release such as v1.13.9')
export const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'use a time of day such as 02:00')
export const percent = z.number().min(0).max(100)
export const name = z.string().regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'use lower-case letters, digits and dashes')
export const timeZone = z.string().refine((zone) => {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }))
  } catch {
    return false
  }
}, 'use a time zone such as Europe/Warsaw')
