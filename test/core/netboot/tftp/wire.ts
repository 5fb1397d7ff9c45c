import { createSender } from '../../../../src/core/netboot/tftp/sender.ts'

/** A client's habits: which block it acknowledges when a block arrives; undefined where it says nothing. */
export type Client = (
  windowSize: number,
  blocks: number,
) => {
  receive(block: number): number | undefined
  /** What it says when nothing came for a while. */
  again(): number
  readonly expected: number
}

/** MdeModulePkg's Mtftp4RrqHandleData: each unexpected block is answered, and its window begins anew there. */
export const edk2: Client = (windowSize, blocks) => {
  let [expected, count] = [1, 0]
  return {
    receive: (block) => {
      if (block !== (expected & 0xffff)) {
        count = 0
        return expected - 1
      }
      expected += 1
      count += 1
      if (count < windowSize && expected <= blocks) return undefined
      count = 0
      return expected - 1
    },
    again: () => expected - 1,
    get expected() {
      return expected
    },
  }
}

/** RFC 7440, section 4: a gap is acknowledged once, and what comes behind it is ignored; the last block again is, again. */
export const rfc7440: Client = (windowSize, blocks) => {
  let [expected, count, isMissing] = [1, 0, false]
  return {
    receive: (block) => {
      if (block !== (expected & 0xffff)) {
        const isLast = block === ((expected - 1) & 0xffff)
        if (isMissing && !isLast) return undefined
        isMissing = true
        count = 0
        return expected - 1
      }
      isMissing = false
      expected += 1
      count += 1
      if (count < windowSize && expected <= blocks) return undefined
      count = 0
      return expected - 1
    },
    again: () => {
      isMissing = false
      return expected - 1
    },
    get expected() {
      return expected
    },
  }
}

export interface Wire {
  readonly client: Client
  readonly blocks: number
  readonly windowSize: number
  /** Share of the packets that are lost, each way. */
  readonly loses?: number
  /** Share that comes twice. */
  readonly doubles?: number
  /** How long a packet takes, and how much longer it may, in ms: then they overtake each other. */
  readonly takes?: number
  readonly wavers?: number
  /** How long a packet of data occupies the wire, in ms: the next one waits for it. */
  readonly paces?: number
  /** How long the client thinks when it has so many blocks, in ms. */
  readonly thinks?: (received: number) => number
  readonly random: () => number
  /** After so many blocks the client is gone. */
  readonly leavesAfter?: number
}

export interface Passed {
  readonly outcome: string
  /** In ms. */
  readonly took: number
  readonly received: number
  /** Packets of data that were sent, the OACK not counted. */
  readonly packets: number
  readonly resent: number
}

interface Due {
  readonly at: number
  readonly number: number
  readonly happens: () => void
}

/** A transfer on a wire that loses, doubles and delays, in simulated time. */
export function playTransfer(wire: Wire): Passed {
  const {
    blocks,
    windowSize,
    random,
    loses = 0,
    doubles = 0,
    takes = 0.2,
    wavers = 0,
    thinks = () => 0,
    paces = 0,
  } = wire
  const due: Due[] = []
  let [now, packets, number, heardAt] = [0, 0, 0, 0]
  const sender = createSender({ blocks, windowSize, hasOptions: true, now })
  const client = wire.client(windowSize, blocks)
  const later = (after: number, happens: () => void) => {
    number += 1
    due.push({ at: now + after, number, happens })
  }
  const travel = (happens: () => void, wait = 0) => {
    for (let copies = random() < doubles ? 2 : 1; copies > 0; copies -= 1)
      if (random() >= loses) later(wait + takes + random() * wavers, happens)
  }
  let freeAt = 0
  const occupy = () => {
    freeAt = Math.max(now, freeAt) + paces
    return freeAt - now
  }
  const answer = (block: number | undefined) => {
    if (block === undefined || client.expected - 1 >= (wire.leavesAfter ?? Infinity)) return
    travel(
      () => {
        sender.acknowledged(block & 0xffff, now)
        pump()
      },
      thinks(client.expected - 1),
    )
  }
  const pump = () => {
    const { from, to } = sender
    if (from > to) return
    for (let block = from; block <= to; block += 1) {
      if (block > 0) packets += 1
      travel(() => {
        const before = client.expected
        answer(block === 0 && client.expected === 1 ? 0 : client.receive(block & 0xffff))
        if (client.expected > before) heardAt = now
      }, occupy())
    }
    sender.sent(now)
  }
  pump()
  const isStorm = () => packets > blocks * 50 + 1_000
  while (sender.outcome === 'going' && now < 600_000 && !isStorm()) {
    const first = due.reduce<Due | undefined>(
      (best, one) => (!best || one.at < best.at || (one.at === best.at && one.number < best.number) ? one : best),
      undefined,
    )
    const asksAt = heardAt + 4_000
    now = Math.max(now, Math.min(first?.at ?? Infinity, sender.deadline, asksAt))
    if (first && first.at <= now) {
      due.splice(due.indexOf(first), 1)
      first.happens()
    } else if (sender.deadline <= now) {
      sender.expired(now)
      pump()
    } else {
      heardAt = now
      answer(client.again())
    }
  }
  return { outcome: sender.outcome, took: now, received: client.expected - 1, packets, resent: sender.resent }
}

/** Mulberry32: the same numbers from the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
