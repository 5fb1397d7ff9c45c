import type { z } from 'zod'

/** A value without what is wrong in it. */
export interface Repaired<T> {
  readonly value: T | undefined
  readonly assumed: readonly string[]
  /** The path of a setting in the value as it was, before list entries went. */
  pathBefore(path: readonly PropertyKey[]): readonly PropertyKey[]
}

/** Each round takes out what the last one found; what needs it is found by the next. */
const mostRounds = 200

/**
 * Takes out of a value what does not fit a shape: the setting itself, or else the list entry that can't do without it. For
 * looking at the rest, and never for use.
 */
export function repair<T>(shape: z.ZodType<T>, given: unknown, assume: Readonly<Record<string, unknown>>): Repaired<T> {
  const root = structuredClone(given)
  const indices = new Map<unknown, number[]>()
  const assumed = new Set<string>()
  const pathBefore = (path: readonly PropertyKey[]) => {
    let container: unknown = root
    return path.map((key) => {
      const before = indices.get(container)?.[Number(key)] ?? key
      container = childOf(container, key)
      return before
    })
  }

  function take(path: readonly PropertyKey[]): boolean {
    const [key, container] = [path.at(-1), path.slice(0, -1).reduce(childOf, root)]
    if (key === undefined || childOf(container, key) === undefined) return false
    if (Array.isArray(container)) {
      if (!indices.has(container)) indices.set(container, [...container.keys()])
      container.splice(Number(key), 1)
      indices.get(container)!.splice(Number(key), 1)
    } else delete (container as Record<PropertyKey, unknown>)[key]
    return true
  }

  function choose({ path, values }: z.core.$ZodIssueInvalidValue): boolean {
    const [key, container] = [path.at(-1), path.slice(0, -1).reduce(childOf, root)]
    const present = key === undefined ? undefined : childOf(container, key)
    if (present === undefined || values.length === 0 || values.includes(present as string)) return false
    ;(container as Record<PropertyKey, unknown>)[key!] = values[0]
    return true
  }

  /** What is missing can't be taken: then goes the list entry around it, or the section, or something stands for it. */
  function takeAround(path: readonly PropertyKey[]): boolean {
    const index = path.findLastIndex((key) => typeof key === 'number')
    if (index >= 0) return take(path.slice(0, index + 1))
    const [top] = path
    if (top === undefined || typeof root !== 'object' || root === null) return false
    const name = String(top)
    if (!(name in assume) || assumed.has(name)) return take([top])
    ;(root as Record<string, unknown>)[name] = assume[name]
    assumed.add(name)
    return true
  }

  /** An entry whose kind is not known has no shape: it goes, and the section around it stays. */
  function takeOfKind(issue: z.core.$ZodIssue): boolean {
    return issue.code === 'invalid_union' && 'discriminator' in issue && take(issue.path.slice(0, -1))
  }

  for (let round = 0; round < mostRounds; round++) {
    const result = shape.safeParse(root)
    if (result.success) return { value: result.data, assumed: [...assumed], pathBefore }
    const paths = result.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path],
    )
    if (result.error.issues.filter(takeOfKind).length > 0) continue
    // Any choice will do for one that is wrong: the rest of its entry is looked at, too.
    const chosen = result.error.issues.filter((issue) => issue.code === 'invalid_value' && choose(issue))
    if (chosen.length > 0) continue
    // Entries of lists one at a time, and the last ones first: those behind them move.
    const settings = paths.filter((path) => typeof path.at(-1) !== 'number' && take(path))
    if (settings.length > 0) continue
    const last = paths.toSorted((a, b) => compareIndices(b, a))[0]!
    if (!take(last) && !takeAround(last)) break
  }
  return { value: undefined, assumed: [], pathBefore }
}

function compareIndices(a: readonly PropertyKey[], b: readonly PropertyKey[]): number {
  const at = a.findIndex((key, index) => key !== b[index])
  return Number(a[at] ?? 0) - Number(b[at] ?? 0) || 0
}

function childOf(container: unknown, key: PropertyKey): unknown {
  if (typeof container !== 'object' || container === null || !Object.hasOwn(container, key)) return undefined
  return (container as Readonly<Record<PropertyKey, unknown>>)[key]
}
