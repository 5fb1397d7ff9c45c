/** Cleans external text for a message: one line, without control characters, and short. */
export function inWords(text: string, longest = 200): string {
  const line = text.replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim()
  return line.length > longest ? `${line.slice(0, longest)}…` : line
}

/** ` (and 2 more)`, or nothing. */
export function andMore(others: number): string {
  return others > 0 ? ` (and ${others} more)` : ''
}
