import { AgentError } from '../../core/errors.ts'

/**
 * Splits a line of NUT's protocol into words. Words are parted by white space, `"…"` groups, and a backslash takes the
 * next character as it is (networkupstools/nut common/parseconf.c; RFC 9271).
 *
 * @throws AgentError `malformed` when a quote is never closed
 */
export function splitWords(line: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let quoted = false
  for (let index = 0; index < line.length; index++) {
    const character = line[index]!
    if (character === '\\') {
      const next = line[++index]
      if (next === undefined) break
      word = (word ?? '') + next
    } else if (character === '"') {
      quoted = !quoted
      word ??= ''
    } else if (!quoted && (character === ' ' || character === '\t' || character === '\r')) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else {
      word = (word ?? '') + character
    }
  }
  if (quoted) throw new AgentError('malformed', `upsd sent a line with an open quote: ${line.slice(0, 80)}`)
  if (word !== undefined) words.push(word)
  return words
}

/**
 * Quotes a word for upsd. Exactly `#`, `\` and `"` are escaped (PCONF_ESCAPE): an unescaped `#` inside quotes gets no
 * answer at all, and a line break would begin another command.
 *
 * @throws AgentError `misconfigured` for what can't be said in the protocol
 */
export function quoteWord(word: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused
  if (/[\u0000-\u001f\u007f]/.test(word))
    throw new AgentError(
      'misconfigured',
      'a word for upsd (a name, user, password or value) contains a control character',
    )
  if (Buffer.byteLength(word) > 500)
    throw new AgentError('misconfigured', 'a word for upsd (a name, user, password or value) is longer than 500 bytes')
  return `"${word.replaceAll(/[#\\"]/g, '\\$&')}"`
}
