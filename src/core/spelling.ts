import { describeUnknown } from './count.ts'

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

/** `there is no UPS rak; did you mean rack?`; with all that there are where none is near, or several are unknown. */
export function describeUnlisted(
  unknown: readonly string[],
  known: readonly string[],
  nouns: readonly [string, string],
): string {
  const [only = '', ...others] = unknown
  const near = others.length === 0 ? nearest(only, known) : undefined
  return near === undefined
    ? describeUnknown(unknown, known, nouns)
    : `there is no ${nouns[0]} ${only}; did you mean ${near}?`
}
