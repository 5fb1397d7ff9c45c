/**
 * Which blocks a TFTP server sends when (RFC 1350, RFC 7440). It does nothing itself: acknowledgements, the time and what
 * was sent go in, and the blocks that are to be sent come out.
 *
 * Block 0 is the OACK, 1 the first block of the file. Blocks are counted on; a packet has the lower 16 bits, so that after
 * 65,535 comes 0, as for EDK2 and every server that it is used with. Times are in ms of a monotonic clock.
 *
 * Two kinds of client have to be served. One of RFC 7440 acknowledges once where a block is missing. EDK2 answers every
 * block that it does not expect with an acknowledgement of the last good one, and counts its window anew from there
 * (NetworkPkg/Mtftp4Dxe, Mtftp4RrqHandleData): answering each of them with a window feeds on itself.
 */
export interface Sender {
  /** The lower 16 bits of the block that a client has acknowledged. */
  acknowledged(block: number, now: number): void
  /** To be called at `deadline` or after. */
  expired(now: number): void
  /** What was to be sent has been. Until then the time does not run: the disk may be slow. */
  sent(now: number): void
  /** What is to be sent now: from this block up to that one; nothing where the first is greater. */
  readonly from: number
  readonly to: number
  /** When to call `expired`; Infinity while there is something to be sent. */
  readonly deadline: number
  readonly outcome: 'going' | 'done' | 'silent'
  /** Whether the client has answered at all: until then its address may be somebody else's. */
  readonly isAnswered: boolean
  /** Blocks of the file that have arrived, as far as the client has said. */
  readonly arrived: number
  /**
   * Whether all may have arrived: each block has been sent, and no more than the last acknowledgement is missing. No client sends
   * that one again (RFC 1350, section 6), so where it is lost nobody is there any more.
   */
  readonly mayBeWhole: boolean
  /** Packets that were sent again. */
  readonly resent: number
}

export interface SenderOptions {
  /** Blocks of the file, the last one short or empty. */
  readonly blocks: number
  /** So many blocks are on their way at once. */
  readonly windowSize: number
  /** Whether options are acknowledged first. */
  readonly hasOptions: boolean
  readonly now: number
}

/** In ms. EDK2 asks again after 4 s, six times. */
const times = {
  /** Until the first answer is expected, before anything is known of the way. */
  first: 500,
  shortest: 20,
  longest: 1_000,
  /** Of a timeout that has been doubled. */
  longestDoubled: 4_000,
  /** Without progress for so long, the client is gone. */
  givesUp: 30_000,
} as const

/** Whoever has not answered yet gets the answer again so often: it may be sent to the victim of a forged request. */
const unansweredResends = 3

/**
 * How long an answer takes, and when it counts as late (RFC 6298), in ms. With each timeout in a row it is waited for twice as long, and
 * that lasts until an answer was timed (5.7): of a machine that has become slower none could be, if all is sent again before
 * it answers. Where a copy was answered as soon as is usual the packet was lost, and twice as long is enough.
 */
function createRoundTrip() {
  let [smoothed, variation, late, timeouts] = [-1, 0, times.first as number, 0]
  return {
    took: (ms: number) => {
      if (smoothed < 0) {
        smoothed = ms
        variation = ms / 2
      } else {
        variation += (Math.abs(ms - smoothed) - variation) / 4
        smoothed += (ms - smoothed) / 8
      }
      late = smoothed + 4 * variation + 5
      timeouts = 0
    },
    /** So long after something was sent there is an answer, which may be to a copy before it. */
    answered: (ms: number) => {
      if (ms <= late) timeouts = Math.min(timeouts, 1)
    },
    expired: () => {
      timeouts += 1
    },
    /** In a row. */
    get timeouts() {
      return timeouts
    },
    /** Infinity before anything is known. */
    get usual() {
      return smoothed < 0 ? Infinity : smoothed
    },
    get timeout() {
      const one = Math.min(times.longest, Math.max(times.shortest, late))
      return Math.min(times.longestDoubled, one * 2 ** Math.min(timeouts, 8))
    },
  }
}

export function createSender({ blocks, windowSize, hasOptions, now: began }: SenderOptions): Sender {
  /** Everything up to here has arrived; -1 before the OACK has. */
  let base = hasOptions ? -1 : 0
  const unanswered = base
  let outcome: Sender['outcome'] = 'going'
  /** The next block of this pass, and the highest of any. */
  let [next, highest] = [base + 1, base]
  /** What is to be sent, and what was sent again. */
  let [from, to, resent] = [0, -1, 0]
  /**
   * Until so much has arrived, nothing but the time says that a block is missing: EDK2 acknowledges each copy, and what it
   * says then looks like another loss.
   */
  let mark = -1
  let [sentAt, progressAt, deadline] = [began, began, Infinity]
  const trip = createRoundTrip()
  /** The block whose acknowledgement tells how long the way takes; -1: none, because it may belong to an earlier copy. */
  let timed = -1

  function plan(first: number): void {
    from = first
    to = base < 0 ? 0 : Math.min(base + windowSize, blocks)
    if (from > to) return
    next = to + 1
    const again = Math.min(to, highest) - from + 1
    if (again > 0) resent += again
    if (to > highest) highest = to
    // A copy of an earlier packet may be what is acknowledged (Karn's rule).
    timed = again > 0 ? -1 : to
    deadline = Infinity
  }

  function goBack(): void {
    mark = highest + windowSize
    plan(base + 1)
  }

  function acknowledged(block: number, now: number): void {
    if (outcome !== 'going') return
    const upTo = base + ((block - (base & 0xffff)) & 0xffff)
    if (upTo > highest) return
    if (upTo === base) {
      repeated(now)
      return
    }
    if (timed >= 0 && upTo >= timed) {
      trip.took(now - sentAt)
      timed = -1
    } else trip.answered(now - sentAt)
    base = upTo
    progressAt = now
    if (base >= blocks) {
      outcome = 'done'
      from = to + 1
      deadline = Infinity
      return
    }
    const isPartial = base < next - 1
    if (isPartial && base >= mark) goBack()
    else plan(Math.max(next, base + 1))
    if (from > to) deadline = now + trip.timeout
  }

  /**
   * In lock-step it is left to the time: whoever answers a block that comes twice with a packet of its own doubles
   * everything from there on (RFC 1123, 4.2.3.1). With a window a block is missing, which is sent again at once, unless
   * what is on its way may only just have left.
   */
  function repeated(now: number): void {
    const mayHaveArrived = now - sentAt > trip.usual / 2
    if (windowSize === 1 || base < Math.max(0, mark) || deadline === Infinity || !mayHaveArrived) return
    goBack()
  }

  function expired(now: number): void {
    if (outcome !== 'going' || now < deadline) return
    trip.expired()
    const isHopeless = base > unanswered ? now - progressAt >= times.givesUp : trip.timeouts > unansweredResends
    if (isHopeless) {
      outcome = 'silent'
      deadline = Infinity
    } else goBack()
  }

  plan(base + 1)
  return {
    acknowledged,
    expired,
    sent: (now) => {
      from = to + 1
      sentAt = now
      deadline = now + trip.timeout
    },
    get from() {
      return from
    },
    get to() {
      return to
    },
    get deadline() {
      return deadline
    },
    get outcome() {
      return outcome
    },
    get isAnswered() {
      return base > unanswered
    },
    get arrived() {
      return Math.max(0, base)
    },
    get mayBeWhole() {
      return base > 0 && highest >= blocks
    },
    get resent() {
      return resent
    },
  }
}
