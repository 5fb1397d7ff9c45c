import { z } from '@hono/zod-openapi'
import type { Page } from '../../core/page.ts'

/** A type as JSON carries it: what may be undefined may be absent, and nothing is told of what is not written to. */
type Wire<T> = T extends string | number | boolean | null | undefined
  ? T
  : { -readonly [K in keyof Required<T>]: Wire<T[K]> }

/** Whether a schema says neither more nor less than the type: anything else does not compile. */
type Says<T, S extends z.ZodType> = [Wire<T>] extends [Wire<z.output<S>>]
  ? [Wire<z.output<S>>] extends [Wire<T>]
    ? unknown
    : { readonly 'the schema allows what the type does not': Wire<z.output<S>> }
  : { readonly 'the type allows what the schema does not': Wire<T> }

/**
 * The schema of an answer, which is the Operator's own type, under a name of its own in the OpenAPI document. Fields that
 * it does not know are no error: a newer daemon may have more.
 */
export function schemaOf<T>() {
  return <S extends z.ZodType>(name: string, schema: S & Says<T, S>): z.ZodType<T> =>
    schema.openapi(name) as unknown as z.ZodType<T>
}

/** One page of a list. */
export function pageOf<T>(name: string, item: z.ZodType<T>): z.ZodType<Page<T>> {
  const next = z.string().optional().meta({ description: 'What to ask for as `before` for the next page' })
  return z.object({ items: z.array(item), next }).openapi(name) as unknown as z.ZodType<Page<T>>
}

/** A moment, ISO 8601 in UTC. */
export const time = z.string().meta({ format: 'date-time' })
export const text = z.string()
export const count = z.int().min(0)
/** In ms. */
export const ms = z.number()
export const texts = z.array(z.string())
