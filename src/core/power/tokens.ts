/**
 * What a status says of mains power.
 *
 * | evidence       | means                                                                            |
 * |----------------|----------------------------------------------------------------------------------|
 * | mains          | mains power feeds the UPS                                                        |
 * | battery        | the battery is in use                                                            |
 * | likely-mains   | something that a UPS does only with mains power, though it does not say OL       |
 * | unclear        | the UPS answers, and its status says nothing of mains power                      |
 * | no-data        | upsd answers, and has no data of the UPS: the same as silence                    |
 */
export type Evidence = 'mains' | 'battery' | 'likely-mains' | 'unclear' | 'no-data'

type Hint = 'mains' | 'battery' | 'likely-mains' | 'likely-battery' | 'nothing' | 'no-data'

interface Token {
  readonly hint: Hint
  readonly means: string
}

/**
 * The tokens of `ups.status`. Those of the standard are from networkupstools/nut docs/new-drivers.txt, "Status data"; the
 * others are ones that drivers, other servers or other programs are known to use, each with where it is from. What is not
 * listed says nothing of mains power.
 */
export const tokens: Readonly<Record<string, Token>> = {
  OL: { hint: 'mains', means: 'on line' },
  OB: { hint: 'battery', means: 'on battery' },
  LB: { hint: 'nothing', means: 'low battery' },
  HB: { hint: 'nothing', means: 'high battery' },
  RB: { hint: 'nothing', means: 'the battery needs replacing' },
  CHRG: { hint: 'likely-mains', means: 'the battery is charging' },
  DISCHRG: { hint: 'likely-battery', means: 'the battery is discharging' },
  BYPASS: { hint: 'likely-mains', means: 'the bypass feeds the load, unprotected' },
  CAL: { hint: 'nothing', means: 'runtime calibration' },
  OFF: { hint: 'nothing', means: 'the load is not fed' },
  OVER: { hint: 'nothing', means: 'overloaded' },
  TRIM: { hint: 'likely-mains', means: 'trims the incoming voltage' },
  BOOST: { hint: 'likely-mains', means: 'boosts the incoming voltage' },
  FSD: { hint: 'nothing', means: 'forced shutdown' },
  ALARM: { hint: 'nothing', means: 'has an alarm' },
  // server/upsd.c sets it from the connection to a driver until its first data.
  WAIT: { hint: 'no-data', means: 'upsd waits for the driver' },
  // drivers/main.c since 2.8.3; later a buzzword of experimental.ups.mode.buzzwords.
  ECO: { hint: 'likely-mains', means: 'economy mode: mains power goes past the converter' },
  // Eaton's high efficiency mode, as older drivers report it: the same as ECO.
  HE: { hint: 'likely-mains', means: 'high-efficiency mode' },
  TEST: { hint: 'nothing', means: 'self-test' },
  // apcupsd's words (apcupsd src/lib/statmgr.cpp), which servers that translate from it may leave as they are.
  ONLINE: { hint: 'mains', means: 'on line, as apcupsd says it' },
  ONBATT: { hint: 'battery', means: 'on battery, as apcupsd says it' },
  LOWBATT: { hint: 'nothing', means: 'low battery, as apcupsd says it' },
  COMMLOST: { hint: 'no-data', means: 'no connection to the UPS, as apcupsd says it' },
}

/** Tokens of other programs that mean the same as one of the standard. */
const sameAs: Readonly<Record<string, string>> = { ONLINE: 'OL', ONBATT: 'OB', LOWBATT: 'LB' }

/** Whether a status has a token, or the word that another program uses for it. */
export function hasToken(status: readonly string[], token: string): boolean {
  return status.some((one) => one === token || sameAs[one] === token)
}

const isKnown = (word: string) => Object.hasOwn(tokens, word)

/** What separates words for certain, and what may also be part of one. */
const separators = /[,;|/+&()[\]{}]+/
const joints = /[-_.:]+/
/** A word of which one of these is the beginning or the end may be more than one token. */
const looksGlued = /^(OL|OB|LB|FSD)|(OL|OB|LB|FSD)$/

/**
 * The tokens of `ups.status`, each once, in upper case. NUT separates them by spaces; other servers write `OB,LB` or
 * `OBLB`. A word is taken apart where it can be meant in one way only, and is kept whole otherwise.
 *
 * | word                             | is                                                                     |
 * |----------------------------------|------------------------------------------------------------------------|
 * | `OL`, `XYZ`                      | one token; unknown ones are tolerated                                  |
 * | `OBLB`, `OB-LB`                  | tokens, because the whole word consists of them                        |
 * | `OB,LB`, `OB\|LB`, `OB;XYZ`      | the same where one of the parts does                                   |
 * | `OLB`, `OBX`, `NOT-OL`, `!OL`    | one word that nobody understands: it is never cut in half              |
 */
export function parseStatus(text: string): readonly string[] {
  const words = text.toUpperCase().split(/\s+/)
  return [...new Set(words.filter((word) => word !== '').flatMap(tokensIn))]
}

function tokensIn(word: string): readonly string[] {
  if (isKnown(word)) return [word]
  const parts = word.split(separators).filter((part) => part !== '')
  const read = parts.map((part) => gluedIn(part))
  const isSeparated = parts.length > 0 && read.some((one) => one !== undefined)
  return isSeparated ? parts.flatMap((part, index) => read[index] ?? [part]) : [word]
}

/** The tokens that a word consists of, one after the other; undefined where it is anything else. */
function gluedIn(word: string): readonly string[] | undefined {
  const found: string[] = []
  for (const part of word.split(joints)) {
    // No token is the beginning of another, so there is one way at most.
    for (let rest = part; rest !== '';) {
      const next = Object.keys(tokens).find((token) => rest.startsWith(token))
      if (next === undefined) return undefined
      found.push(next)
      rest = rest.slice(next.length)
    }
  }
  return found.length === 0 ? undefined : found
}

/** Words of a status that nobody understands, and that may have a token in them which matters. */
export function unclearWords(status: readonly string[]): readonly string[] {
  return status.filter((word) => !isKnown(word) && looksGlued.test(word))
}

/** OB wins over OL: where a UPS reports both, it is on battery at least in part. */
export function evidenceOf(status: readonly string[]): Evidence {
  const hints = new Set(status.map((token) => tokens[token]?.hint ?? 'nothing'))
  if (hints.has('battery')) return 'battery'
  if (hints.has('mains')) return 'mains'
  // FSD is upsd's own word: beside nothing else it is no data of the UPS.
  if (hints.has('no-data') || status.every((token) => token === 'FSD')) return 'no-data'
  if (hints.has('likely-mains')) return hints.has('likely-battery') ? 'unclear' : 'likely-mains'
  return hints.has('likely-battery') && !status.includes('OFF') ? 'battery' : 'unclear'
}
