import { z } from '@hono/zod-openapi'
import { releasePattern } from '../core/version.ts'

/** The fields of requests. What is wrong with one is said by `issues.ts`. */

/** Text of at most so many characters, as people count them. An empty one counts as not sent. */
export function text(longest: number, description?: string) {
  return orNothing(bounded(longest, description))
}

/** A Talos release. Whether it is one, and there is such a release, is for whoever is asked to say. */
export function release(description: string) {
  return orNothing(bounded(64, description).openapi({ pattern: `^(${releasePattern})?$`, example: 'v1.13.9' }))
}

/** As nodes, machines, jobs and channels are named (see `name` of the configuration). */
const namePattern = '[a-z0-9]([-a-z0-9.]*[a-z0-9])?'

/** The beginning of a SHA-256 in hex, long enough to be one alone. */
export function digest(description: string) {
  return z
    .string()
    .regex(/^[\da-fA-F]{8,64}$/, 'is not the beginning of a SHA-256: give 8 to 64 hex digits')
    .openapi({ description, minLength: 8, maxLength: 64, pattern: '^[0-9a-fA-F]{8,64}$' })
}

/** The name of a thing. It may stand in the path. A name that nothing has is not found, whatever it looks like. */
export function name(description: string, longest = 253) {
  return bounded(longest, description, 1).openapi({ pattern: `^${namePattern}$` })
}

/** What people call a thing, in their own words. */
export function label(description: string) {
  return bounded(253, description, 1)
}

/** The name of a thing, where one may be meant. */
export function nameIfAny(description: string, longest = 253) {
  return orNothing(bounded(longest, description).openapi({ pattern: `^(${namePattern})?$` }))
}

/** One of these. */
export function choice<const Values extends readonly [string, ...string[]]>(values: Values, description: string) {
  return z.enum(values).optional().meta({ description })
}

/** True or false; not sent is false. */
export function flag(description: string) {
  return z.boolean().default(false).meta({ description })
}

/** Texts by their names, so many at most. */
export function pairs(most: number, longest: number, description: string) {
  return z
    .record(bounded(longest), bounded(longest))
    .refine((all) => Object.keys(all).length <= most, { message: `has more than ${most} entries` })
    .optional()
    .meta({ description })
}

/** A file that is sent as it is. */
export function fileText(longest: number, description: string) {
  return bounded(longest, description, 1)
}

/** So many texts at most, each of at most so many characters; those without a word are left out. */
export function names(most: number, longest: number, description: string) {
  return z
    .array(bounded(longest))
    .max(most)
    .transform((all) => all.map((one) => one.trim()).filter((one) => one !== ''))
    .optional()
    .meta({ description })
}

/** Labels of Kubernetes, 64 at most. Whether they are ones is for whoever is asked to say. */
export function labels(description: string) {
  return z
    .record(bounded(317), bounded(63))
    .refine((all) => Object.keys(all).length <= 64, { message: 'has more than 64' })
    .optional()
    .openapi({ description, maxProperties: 64 })
}

/** The most that one page has. */
const largestPage = 10_000

/** Which page of a list, as it stands in a query. */
export const page = z.strictObject({
  limit: z
    .string()
    .regex(/^0*[1-9]\d*$/, 'is not a whole number above 0')
    .transform((value) => Math.min(Number(value), largestPage))
    .default(50)
    .openapi({
      type: 'integer',
      minimum: 1,
      default: 50,
      description: `So many at most, and never more than ${largestPage}`,
    }),
  before: bounded(300, 'The `next` of the page before').optional(),
})

/** A moment, where one may be meant. */
export function timeIfAny(description: string) {
  return z
    .string()
    .max(64, 'is longer than 64 characters')
    .refine((value) => value === '' || !Number.isNaN(Date.parse(value)), {
      message: 'is not a time such as 2026-11-26T21:40:00Z',
    })
    .transform((value) => (value === '' ? undefined : value))
    .optional()
    .openapi({ format: 'date-time', description })
}

/** An empty text counts as not sent. */
function orNothing(schema: z.ZodString) {
  return schema.transform((value) => (value === '' ? undefined : value)).optional()
}

function bounded(longest: number, description?: string, shortest = 0) {
  const schema = z
    .string()
    .refine((value) => Array.from(value).length <= longest, { message: `is longer than ${longest} characters` })
    .refine((value) => shortest === 0 || value !== '', { message: 'is empty' })
  return schema.openapi({
    maxLength: longest,
    ...(shortest === 0 ? {} : { minLength: shortest }),
    ...(description === undefined ? {} : { description }),
  })
}
