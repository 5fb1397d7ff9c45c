/** RFC 1350's, where nothing is negotiated. */
const plainBlock = 512
/** RFC 2348. */
const blockLimits = { smallest: 8, largest: 65_464 } as const

export interface TransferOptions {
  readonly blockSize: number
  readonly windowSize: number
  /** What the OACK says; undefined where none is sent, and the first block is the answer. */
  readonly accepted: ReadonlyMap<string, string> | undefined
  /** Whether its size is asked for, as it is by whoever only wants to know that. */
  readonly asksSize: boolean
}

export interface OptionLimits {
  /** Blocks that do not fit into a packet of the network are cut to pieces on the way, and one lost piece loses all. */
  readonly largestBlock: number
  readonly largestWindow: number
}

/**
 * What is granted of what a client asks: never more, because EDK2 refuses an OACK with an option that it did not ask for,
 * or with a larger value (MdeModulePkg, Mtftp4RrqOackValid). An option that can't be read is left out, as if it had not
 * been asked for (RFC 2347). `timeout` is granted where it is valid, and nothing follows from it: our own times adapt.
 */
export function grantOptions(
  asked: ReadonlyMap<string, string>,
  size: number,
  { largestBlock, largestWindow }: OptionLimits,
): TransferOptions {
  const accepted = new Map<string, string>()
  const asksSize = asked.get('tsize') === '0'
  if (asksSize) accepted.set('tsize', String(size))
  const block = numberIn(asked.get('blksize'), blockLimits.smallest, Infinity)
  const blockSize = block === undefined ? plainBlock : Math.min(block, largestBlock, blockLimits.largest)
  if (block !== undefined) accepted.set('blksize', String(blockSize))
  const window = numberIn(asked.get('windowsize'), 1, 65_535)
  const windowSize = window === undefined ? 1 : Math.min(window, largestWindow)
  if (window !== undefined) accepted.set('windowsize', String(windowSize))
  const timeout = numberIn(asked.get('timeout'), 1, 255)
  if (timeout !== undefined) accepted.set('timeout', String(timeout))
  return { blockSize, windowSize, accepted: accepted.size > 0 ? accepted : undefined, asksSize }
}

function numberIn(text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined || !/^\d{1,9}$/.test(text)) return undefined
  const value = Number(text)
  return value >= least && value <= most ? value : undefined
}
