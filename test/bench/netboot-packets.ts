/** What was seen on the wire of a transfer by TFTP. */
export interface SeenTransfer {
  /** From the request to the last acknowledgement, in s. */
  readonly took: number
  /** How much of it the client was awaited, and how much the server, in s. */
  readonly client: number
  readonly server: number
  readonly blockSize: number
  readonly windowSize: number
  /** Packets of data that were sent again. */
  readonly again: number
}

interface Packet {
  /** In s. */
  readonly at: number
  readonly opcode: number
  readonly block: number
  /** Bytes of TFTP. */
  readonly length: number
  readonly text: string
}

const opcodes = { request: 1, data: 3, acknowledgement: 4, options: 6 } as const

/**
 * The last transfer of a recording of tcpdump; undefined while its end is not in it. The client is awaited from the packet that lets it
 * answer to its answer, and the server from there to its first packet; what a window takes to leave counts as the server's.
 */
export function lastTransfer(pcap: Buffer): SeenTransfer | undefined {
  const all = [...packetsIn(pcap)]
  // The first request asks for the size alone.
  const packets = all.slice(all.findLastIndex(({ opcode }) => opcode === opcodes.request))
  const [first, last] = [packets[0], packets.at(-1)]
  const oack = packets.find(({ opcode }) => opcode === opcodes.options)
  if (first?.opcode !== opcodes.request || last?.opcode !== opcodes.acknowledgement || !oack) return undefined
  const blockSize = Number(/blksize\0(\d+)/i.exec(oack.text)?.[1] ?? 512)
  const windowSize = Number(/windowsize\0(\d+)/i.exec(oack.text)?.[1] ?? 1)
  const data = packets.filter(({ opcode }) => opcode === opcodes.data)
  const end = data.findLast(({ length }) => length < 4 + blockSize)
  if (!end || end.block !== last.block) return undefined
  const blocks = data.length === 0 ? 0 : countedBlocks(data)
  let [client, server] = [0, 0]
  for (const [index, packet] of packets.entries()) {
    const before = packets[index - 1]
    if (!before) continue
    if (packet.opcode === opcodes.acknowledgement) client += packet.at - before.at
    else server += packet.at - before.at
  }
  return { took: last.at - first.at, client, server, blockSize, windowSize, again: data.length - blocks }
}

/** Blocks are counted on past 65,535; one that comes again is none. */
function countedBlocks(data: readonly Packet[]): number {
  let count = 0
  for (const { block } of data) if (block === ((count + 1) & 0xffff)) count += 1
  return count
}

/** Of IPv4 over Ethernet, without options of IP. */
function* packetsIn(pcap: Buffer): Generator<Packet> {
  for (let at = 24; at + 16 <= pcap.length;) {
    const length = pcap.readUInt32LE(at + 8)
    const frame = pcap.subarray(at + 16, at + 16 + length)
    if (frame.length < length) return
    const tftp = frame.subarray(42)
    if (tftp.length >= 4)
      yield {
        at: pcap.readUInt32LE(at) + pcap.readUInt32LE(at + 4) / 1e6,
        opcode: tftp.readUInt16BE(0),
        block: tftp.readUInt16BE(2),
        length: frame.readUInt16BE(38) - 8,
        text: tftp.toString('latin1'),
      }
    at += 16 + length
  }
}
