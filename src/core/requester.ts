/** The requester: the name stated at a door, and whether the door could verify it. */
export interface Requester {
  readonly name: string
  readonly verified: boolean
}

/** The longest name of a requester, and the longest reason that a person may give, in characters. */
export const longestName = 64
export const longestReason = 300

/**
 * Text from outside in one line: without control characters, line breaks and what turns the direction of writing
 * around, and no longer than `longest` characters. Undefined where nothing is left.
 */
export function cleanText(text: string, longest: number): string | undefined {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()
  return line === '' ? undefined : Array.from(line).slice(0, longest).join('')
}

/** Who asks, by the name that was stated: anyone may state any. */
export function statedBy(name: string | undefined): Requester {
  return { name: cleanText(name ?? '', longestName) ?? 'anonymous', verified: false }
}

/** `admin@nas (unverified)`. */
export function describeRequester({ name, verified }: Requester): string {
  return verified ? name : `${name} (unverified)`
}
