/** What a real upsd will not do on demand; changeable at any time, nothing happens unless set. */
export interface UpsdMisbehaviour {
  /** One byte at a time. */
  fragments: boolean
  /** Commands that get no answer at all: those whose words, joined by spaces, match. */
  noReply: RegExp | undefined
  /** As a frozen host, or a cable pulled: connections open and stay open, nothing is read or said. */
  halfOpen: boolean
  /** Before every line that is sent, so that lists are slow. */
  delayMs: number
  /** Two answers in a row change places. */
  wrongOrder: boolean
  /** The connection ends after this many more answers, once. */
  dropAfter: number | undefined
  /** Whatever needs the driver's data answers so. */
  error: 'DATA-STALE' | 'DRIVER-NOT-CONNECTED' | undefined
  /** Addresses of clients that may ask; the others' every command is refused, as Synology's "permitted devices" does. */
  accessList: readonly string[] | undefined
  /** What GET TRACKING answers next, before the order's real outcome: 'PENDING', 'ERR FAILED'. */
  tracking: string[]
  /** In plain text after OK STARTTLS, in the same packet, as somebody on the way would put it there. */
  injected: string
  /** What makes it a server that only resembles upsd; undefined for upsd itself. */
  dialect: Dialect | undefined
}

/** A server that speaks NUT's protocol in its own way, as far as it differs from upsd. */
export interface Dialect {
  /** Parts words by white space and takes quotes for a part of them: `"ups"` is not `ups`. */
  readonly keepsQuotes?: true
  /** Of the commands that one TCP packet brings, only these are answered; the others are lost. */
  readonly answersOf?: 'the first' | 'the last' | 'a single one'
  /** What GET and LIST are refused with before USERNAME and PASSWORD of one of the lab's users. */
  readonly refusesStrangersWith?: string
  /** Commands that it does not know: those whose words, joined by spaces, match. */
  readonly unknown?: RegExp
  /** What it answers to those; UNKNOWN-COMMAND where nothing is said. */
  readonly unknownAs?: string
  /** What becomes of a line that upsd would send; undefined: it is not sent. */
  readonly rewrite?: (line: string) => string | undefined
}

/** A upsd that behaves. */
export function noMisbehaviour(): UpsdMisbehaviour {
  return {
    fragments: false,
    noReply: undefined,
    halfOpen: false,
    delayMs: 0,
    wrongOrder: false,
    dropAfter: undefined,
    error: undefined,
    accessList: undefined,
    tracking: [],
    injected: '',
    dialect: undefined,
  }
}
