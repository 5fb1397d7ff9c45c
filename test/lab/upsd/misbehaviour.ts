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
  }
}
