import { z } from 'zod'
import { nearest } from '../core/spelling.ts'

type Path = readonly PropertyKey[]

/** As much of JSON Schema as says what may stand where. */
export interface Level {
  readonly properties?: Readonly<Record<string, Level>>
  readonly items?: Level
  readonly additionalProperties?: Level | boolean
  readonly propertyNames?: Level
  readonly anyOf?: readonly Level[]
  readonly oneOf?: readonly Level[]
  readonly allOf?: readonly Level[]
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  /** What kind of value it is: see `scalars.ts`. */
  readonly kind?: string
  readonly description?: string
  readonly examples?: readonly unknown[]
  readonly required?: readonly string[]
}

/** A shape as JSON Schema, as what is written has to fit it. */
export function levelOf(shape: z.ZodType): Level {
  const level = levels.get(shape) ?? (z.toJSONSchema(shape, { io: 'input', unrepresentable: 'any' }) as Level)
  levels.set(shape, level)
  return level
}

/** Kept, because making one takes longer than everything that is done with it. */
const levels = new WeakMap<z.ZodType, Level>()

/** What may stand at a path, each choice by itself. */
export function levelsAt(root: Level, path: Path): readonly Level[] {
  return path
    .reduce<readonly Level[]>((found, name) => found.flatMap((one) => below(one, name)), [root])
    .flatMap(allChoicesOf)
}

/** Whether a name may be repeated: one of ours, or of a thing that has a name of its own. A mistake can make it a secret. */
export function isOurName(root: Level, path: Path): boolean {
  const [key, parent] = [path.at(-1), path.slice(0, -1)]
  if (typeof key === 'number') return true
  return levelsAt(root, parent).some(
    (level) => namesIn(level).includes(String(key)) || level.propertyNames?.kind === 'name',
  )
}

/**
 * What a name may have been meant as that is no setting: one of its level that is spelled alike (`deadtime` for
 * `deadTime`), or else the one place where this very name belongs. Undefined where nothing is near.
 */
export function suggestKey(root: Level, path: Path): string | undefined {
  const [key, parent] = [String(path.at(-1)), path.slice(0, -1)]
  const near = nearest(key, [...new Set(levelsAt(root, parent).flatMap(namesIn))])
  if (near !== undefined) return near
  // Every secret has these.
  const elsewhere = key === 'file' || key === 'env' ? [] : placesOf(key, root, [])
  return elsewhere.length === 1 ? elsewhere[0] : undefined
}

function choicesOf(level: Level): readonly Level[] {
  return [...(level.anyOf ?? []), ...(level.oneOf ?? []), ...(level.allOf ?? [])]
}

/** The level, and every choice in it. The first says more than its choices: it has the default. */
function allChoicesOf(level: Level): readonly Level[] {
  return [level, ...choicesOf(level).flatMap(allChoicesOf)]
}

function below(level: Level, name: PropertyKey): readonly Level[] {
  const inChoices = choicesOf(level).flatMap((one) => below(one, name))
  if (typeof name === 'number') return level.items ? [level.items, ...inChoices] : inChoices
  const own = level.properties && Object.hasOwn(level.properties, name) ? level.properties[String(name)] : undefined
  const any = typeof level.additionalProperties === 'object' ? level.additionalProperties : undefined
  const next = own ?? any
  return next ? [next, ...inChoices] : inChoices
}

function namesIn(level: Level): readonly string[] {
  return Object.keys(level.properties ?? {})
}

/** Every place that has this name, as `power.deadTime`; what stands in lists is not told by a path. */
function placesOf(key: string, level: Level, before: readonly string[]): readonly string[] {
  return [level, ...choicesOf(level)].flatMap(({ properties = {} }) =>
    Object.entries(properties).flatMap(([name, next]) => {
      const path = [...before, name]
      return [...(name === key ? [path.join('.')] : []), ...placesOf(key, next, path)]
    }),
  )
}
