import type { z } from '@hono/zod-openapi'
import { AgentError } from '../core/errors.ts'

/** What is wrong with one field of a request. */
export interface FieldFault {
  /** Its path, `losing.3`; absent where it is the request itself. */
  readonly field?: string
  /** To follow the field's name: `is not a string`. */
  readonly text: string
}

const unknownField = 'is unknown'

/** A request that can't be read, and every fault of it. */
export class UnreadableRequest extends AgentError {
  readonly faults: readonly FieldFault[]
  /** Whether it has fields that this version does not know. */
  readonly isAhead: boolean
  constructor(faults: readonly FieldFault[]) {
    const told = faults.map(({ field = 'the request', text }) => `${field} ${text}`)
    super('misconfigured', [...new Set(told)].join('; '))
    this.faults = faults
    this.isAhead = faults.some(({ text }) => text === unknownField)
  }
}

/** What the schema allows of what was sent. @throws UnreadableRequest */
export function readWith<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const read = schema.safeParse(value)
  if (read.success) return read.data
  throw new UnreadableRequest(read.error.issues.flatMap((issue) => faultsOf(issue)))
}

function faultsOf(issue: z.core.$ZodIssue): readonly FieldFault[] {
  const at = issue.path.map(String)
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ field: [...at, key].join('.'), text: unknownField }))
  return [{ ...(at.length === 0 ? {} : { field: at.join('.') }), text: textOf(issue) }]
}

const notOf: Readonly<Record<string, string>> = {
  string: 'is not a string',
  number: 'is not a number',
  boolean: 'is neither true nor false',
  array: 'is not a list',
  object: 'is not an object',
}

function textOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return notOf[issue.expected] ?? issue.message
  if (issue.code === 'too_big')
    return issue.origin === 'array' ? `has more than ${issue.maximum} entries` : `is more than ${issue.maximum}`
  if (issue.code === 'too_small') return `is less than ${issue.minimum}`
  return issue.code === 'invalid_value' ? `is none of ${issue.values.map(String).join(', ')}` : issue.message
}
