import { AgentError } from '../../core/errors.ts'

/** A word as a server has sent it. */
export interface SentWord {
  readonly text: string
  /** Where it begins in its line. */
  readonly from: number
  /** `bare` without quotes, `quoted` in one pair of them and nothing else, `mixed` otherwise. */
  readonly form: 'bare' | 'quoted' | 'mixed'
}

/**
 * The words of a line of NUT's protocol. Words are parted by white space, `"…"` groups, and a backslash takes the
 * next character as it is (networkupstools/nut common/parseconf.c; RFC 9271). `isOpen`: a quote is never closed.
 */
export function scanWords(line: string): { readonly words: readonly SentWord[]; readonly isOpen: boolean } {
  const words: SentWord[] = []
  let word: { text: string; from: number; quotes: number; isMixed: boolean } | undefined
  let quoted = false
  const end = () => {
    if (!word) return
    const { text, from, quotes, isMixed } = word
    words.push({ text, from, form: quotes === 0 ? 'bare' : quotes === 2 && !isMixed ? 'quoted' : 'mixed' })
    word = undefined
  }
  for (let index = 0; index < line.length; index++) {
    let character = line[index]!
    if (character === '"') {
      word ??= { text: '', from: index, quotes: 0, isMixed: false }
      if (!quoted && index > word.from) word.isMixed = true
      word.quotes += 1
      quoted = !quoted
      continue
    }
    if (!quoted && (character === ' ' || character === '\t' || character === '\r')) {
      end()
      continue
    }
    word ??= { text: '', from: index, quotes: 0, isMixed: false }
    if (word.quotes > 0 && !quoted) word.isMixed = true
    if (character === '\\') {
      const next = line[++index]
      if (next === undefined) break
      character = next
    }
    word.text += character
  }
  // A backslash with nothing after it is no word of its own.
  if (word && (word.text !== '' || word.quotes > 0)) end()
  return { words, isOpen: quoted }
}

/** The texts of the words alone. `isOpen`: a quote is never closed. */
export function looseWords(line: string): { readonly words: readonly string[]; readonly isOpen: boolean } {
  const { words, isOpen } = scanWords(line)
  return { words: words.map(({ text }) => text), isOpen }
}

/** @throws AgentError `malformed` when a quote is never closed */
export function splitWords(line: string): readonly string[] {
  const { words, isOpen } = looseWords(line)
  if (isOpen) throw new AgentError('malformed', `upsd sent a line with an open quote: ${line.slice(0, 80)}`)
  return words
}

/**
 * The value at the end of a line, after so many words: `VAR ups ups.status "OL CHRG"`, or without quotes, as some servers
 * send it. Undefined where there is none, and where it can be meant in more than one way (`"OB" LB`): `upsc` would cut it
 * in half there, and LB would be lost.
 */
export function valueAfter(count: number, line: string): string | undefined {
  const { words, isOpen } = scanWords(line)
  const value = words.slice(count)
  const [first] = value
  if (isOpen || !first) return undefined
  if (value.length === 1 && first.form === 'quoted') return first.text
  // For upsd's own parser `#` begins a comment.
  if (value.some(({ text, form }) => form !== 'bare' || /[#']/.test(text))) return undefined
  return value.map(({ text }) => text).join(' ')
}

/** The same for people: where it can be meant in more than one way, as it was sent. */
export function shownAfter(count: number, line: string): string {
  return valueAfter(count, line) ?? line.slice(scanWords(line).words[count]?.from ?? line.length).trim()
}

/** Printable ASCII without what has a meaning in upsd.conf's language: white space, `"`, `#`, `=` and `\`. */
const bare = /^[!$-<>-[\]-~]+$/

/**
 * A word for upsd, in quotes only where it needs them: servers that are not upsd may take them for a part of the word,
 * and upsmon and upsc send none either. Exactly `#`, `\` and `"` are escaped (PCONF_ESCAPE): an unescaped `#` inside
 * quotes gets no answer at all, and a line break would begin another command.
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
  return bare.test(word) ? word : `"${word.replaceAll(/[#\\"]/g, '\\$&')}"`
}
