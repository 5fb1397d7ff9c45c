/** Cleans external text for a message: one line, without colours and control characters. */
export function plain(text: string): string {
  return (
    text
      // A terminal's sequences first and whole, or `[31m` would stay of them.
      // oxlint-disable-next-line no-control-regex -- control characters are what is taken out
      .replaceAll(/\u001b\[[0-?]*[ -/]*[@-~]/g, ' ')
      .replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
      .trim()
  )
}

/** The end of a text, where programs give the reason. */
export function lastWords(text: string, longest = 200): string {
  const line = plain(text)
  return line.length > longest ? `…${line.slice(-longest)}` : line
}

/** The last lines that a program wrote, as one. */
export function lastLines(text: string, lines = 3): string {
  const written = text.split(/[\r\n]+/).filter((line) => plain(line) !== '')
  return lastWords(written.slice(-lines).map(plain).join(' / '))
}
