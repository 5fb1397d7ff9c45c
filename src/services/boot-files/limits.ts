/** What strangers may take of the boot server. In ms and bytes. */
export interface BootLimits {
  /** Transfers at a time, in all and to one address. */
  readonly transfers: number
  readonly perAddress: number
  /**
   * By TFTP: until then whoever has not answered is not taken for a forged request, and keeps its place. So many strangers come in
   * that time that there are places left.
   */
  readonly answersWithin: number
  /** Requests of one address: so many at once, and so many a second in the long run. */
  readonly burst: number
  readonly perSecond: number
  /** Of all by TFTP whose cards are not known: their addresses may be forged. */
  readonly strangers: { readonly burst: number; readonly perSecond: number }
  /** How long a machine is given the version of a file that it was given first. */
  readonly pinned: number
  /** Pins at a time. */
  readonly pins: number
  /** Of TFTP: what fits into a packet of Ethernet beside the headers of IPv4 and UDP. Larger ones would be cut to pieces. */
  readonly largestBlock: number
  readonly largestWindow: number
  /** Connections by HTTP at a time, in all. Where there are so many, slow ones make room. */
  readonly connections: number
  /** An HTTP client that takes nothing for so long is gone. */
  readonly idle: number
}

export const bootLimits: BootLimits = {
  transfers: 128,
  perAddress: 8,
  answersWithin: 500,
  burst: 60,
  perSecond: 20,
  strangers: { burst: 400, perSecond: 100 },
  pinned: 60_000,
  pins: 256,
  largestBlock: 1_468,
  largestWindow: 64,
  connections: 128,
  idle: 30_000,
}
