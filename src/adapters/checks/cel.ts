import { runInNewContext } from 'node:vm'
import { Environment, EvaluationError, ParseError, TypeError as CelTypeError } from '@marcbachmann/cel-js'
import { messageOf } from '../../core/errors.ts'
import { inWords } from './redaction.ts'

/** Undefined where the expression is true of an object, else what it is instead: `is false`, `fails: No such key: x`. */
export type Verdict = string | undefined
export type Expression = (objects: readonly unknown[]) => readonly Verdict[]

/** How long an expression may take over all objects together, in ms. Nothing else goes on in the process meanwhile. */
const longest = 1_000
/** CEL's integers have 64 bits; what JSON writes beyond that stays a number with a point. */
const largestInteger = Number.MAX_SAFE_INTEGER

/** Optional fields (`object.?status.orValue(0)`) are on as they are in Kubernetes. */
const environment = new Environment({ enableOptionalTypes: true })
  .registerVariable('object', 'dyn')
  .registerVariable('self', 'dyn')

/** The expression, ready to be asked; or why it is none that can be true or false, with the place in it. */
export function compileCel(text: string): { readonly run: Expression } | { readonly wrong: string } {
  try {
    const parsed = environment.parse(text)
    const { valid, type = '', error } = parsed.check()
    if (!valid) return { wrong: describe(error, text) }
    if (type !== 'bool' && type !== 'dyn') return { wrong: `it evaluates to ${type}, not to true or false` }
    return { run: (objects) => runAll(objects, (object) => judge(parsed, object)) }
  } catch (error) {
    return { wrong: describe(error, text) }
  }
}

function judge(parsed: (context: Record<string, unknown>) => unknown, object: unknown): Verdict {
  try {
    const result = parsed({ object, self: object })
    if (result === true) return undefined
    return result === false ? 'is false' : `evaluates to ${inWords(String(result), 80)}, not to true`
  } catch (error) {
    return `fails: ${inWords(error instanceof EvaluationError ? error.summary : messageOf(error))}`
  }
}

/**
 * CEL always ends, but a regular expression of JavaScript may take longer than the power lasts, and comprehensions in
 * comprehensions do too. Node can interrupt what it runs in a context, whatever functions that calls.
 */
function runAll(objects: readonly unknown[], judge: (object: unknown) => Verdict): readonly Verdict[] {
  const run = () => objects.map((object) => judge(withIntegers(object)))
  try {
    return runInNewContext('run()', { run }, { timeout: longest }) as Verdict[]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
    return objects.map(() => `takes longer than ${longest} ms`)
  }
}

/** As in Kubernetes, a whole number is an `int`: `object.spec.replicas + 1` would add a double to an int otherwise. */
function withIntegers(value: unknown): unknown {
  if (typeof value === 'number')
    return Number.isInteger(value) && Math.abs(value) <= largestInteger ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(withIntegers)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withIntegers(inner)]))
}

function describe(error: unknown, text: string): string {
  if (!(error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError))
    return inWords(messageOf(error))
  if (!error.range) return inWords(error.summary)
  const before = text.slice(0, error.range.start).split('\n')
  const column = before.at(-1)!.length + 1
  const line = text.trim().includes('\n') ? `line ${before.length}, ` : ''
  return `${inWords(error.summary)} (${line}column ${column})`
}
