/** `1 node`, `3 nodes`, `0 nodes`. `many` is for a plural that an s does not make. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** The form of a verb after so many subjects: `agreeing(names, 'answers', 'answer')`. */
export function agreeing(subjects: { readonly length: number }, one: string, many: string): string {
  return subjects.length === 1 ? one : many
}

/** `there is no UPS attic; there are desk and rack`, for all that do not exist at once. */
export function describeUnknown(
  unknown: readonly string[],
  known: readonly string[],
  [one, many]: readonly [string, string],
): string {
  const are = (names: readonly string[]) => agreeing(names, 'is', 'are')
  const there = known.length === 0 ? 'there are none' : `there ${are(known)} ${listed(known)}`
  return `there ${are(unknown)} no ${agreeing(unknown, one, many)} ${listed(unknown)}; ${there}`
}

/** `cp-1`, `cp-1 and w-1`, `cp-1, w-1 and w-2`; empty for none. */
export function listed(names: readonly string[], word: 'and' | 'or' = 'and'): string {
  const last = names.at(-1)
  if (last === undefined || names.length === 1) return last ?? ''
  return `${names.slice(0, -1).join(', ')} ${word} ${last}`
}
