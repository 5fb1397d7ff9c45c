/**
 * A text without the characters at its end that are one of these. A regular expression such as `/x+$/` is tried anew at
 * each place: over a long run of them in the middle its time grows with the square of their number.
 */
export function withoutEnd(text: string, characters: string): string {
  let end = text.length
  while (end > 0 && characters.includes(text[end - 1]!)) end -= 1
  return text.slice(0, end)
}
