import { z } from 'zod'

type Path = readonly PropertyKey[]

/** As much of JSON Schema as says where which names may stand. */
interface Level {
  readonly properties?: Readonly<Record<string, Level>>
  readonly items?: Level
  readonly additionalProperties?: Level | boolean
  readonly anyOf?: readonly Level[]
  readonly oneOf?: readonly Level[]
  readonly allOf?: readonly Level[]
}

/**
 * What a name may have been meant as that is no setting: one of its level that is spelled alike (`deadtime` for
 * `deadTime`), or else the one place where this very name belongs. Undefined where nothing is near.
 */
export function suggestKey(shape: z.ZodType, path: Path): string | undefined {
  const root = z.toJSONSchema(shape, { io: 'input', unrepresentable: 'any' }) as Level
  const [key, parent] = [String(path.at(-1)), path.slice(0, -1)]
  const levels = parent.reduce<readonly Level[]>((found, name) => found.flatMap((one) => below(one, name)), [root])
  const near = nearest(key, [...new Set(levels.flatMap(namesIn))])
  if (near !== undefined) return near
  const elsewhere = placesOf(key, root, [])
  return elsewhere.length === 1 ? elsewhere[0] : undefined
}

function choicesOf(level: Level): readonly Level[] {
  return [...(level.anyOf ?? []), ...(level.oneOf ?? []), ...(level.allOf ?? [])]
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
  return [...Object.keys(level.properties ?? {}), ...choicesOf(level).flatMap(namesIn)]
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

/** The name that is spelled most alike, where it is alike enough: a third of the letters may differ. */
export function nearest(key: string, names: readonly string[]): string | undefined {
  const plain = plainOf(key)
  const ranked = names
    .map((name) => ({ name, away: distance(plain, plainOf(name)) }))
    .filter(({ name, away }) => away <= Math.max(1, Math.floor(Math.min(plain.length, name.length) / 3)))
    .toSorted((one, other) => one.away - other.away)
  return ranked[0]?.name
}

/** `dead_time` and `DeadTime` are meant alike. So long a name is none of ours. */
const plainOf = (name: string) => name.slice(0, 40).toLowerCase().replaceAll(/[-_ ]/g, '')

/** How many letters were left out, added, changed, or changed places with their neighbour. */
function distance(a: string, b: string): number {
  const rows: number[][] = Array.from({ length: a.length + 1 }, (_, row) => [row])
  for (let column = 1; column <= b.length; column++) rows[0]![column] = column
  for (let row = 1; row <= a.length; row++)
    for (let column = 1; column <= b.length; column++) {
      const changed = a[row - 1] === b[column - 1] ? 0 : 1
      const isSwapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      rows[row]![column] = Math.min(
        rows[row - 1]![column]! + 1,
        rows[row]![column - 1]! + 1,
        rows[row - 1]![column - 1]! + changed,
        isSwapped ? rows[row - 2]![column - 2]! + 1 : Infinity,
      )
    }
  return rows[a.length]![b.length]!
}
