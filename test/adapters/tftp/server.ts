import { createSocket, type Socket } from 'node:dgram'

/** How a TFTP server answers one read request: packets that it sends, and what it does with what comes back. */
export interface Behaviour {
  /** What it serves, by name. */
  readonly files: Readonly<Record<string, Buffer>>
  /** Knows no options (RFC 1350 alone). */
  readonly isPlain?: boolean
  /** Sends so large blocks, whatever is asked for. */
  readonly block?: number
  /** Answers this window, in blocks (RFC 7440); without it none, whatever is asked for. */
  readonly window?: number
  /** Every so-manieth packet is lost. */
  readonly losesEvery?: number
  /** After block 65,535 comes block 1. */
  readonly skipsZero?: boolean
  /** Each packet is lost so often before it arrives. */
  readonly loses?: number
  /** Each packet is sent twice. */
  readonly doubles?: boolean
  /** A stranger sends a packet of its own in between, from another port. */
  readonly stranger?: boolean
  /** Stops after so many blocks. */
  readonly stopsAfter?: number
  /** Sends this in answer to anything. */
  readonly garbage?: Buffer
}

export interface LabTftp extends AsyncDisposable {
  readonly port: number
  /** Acknowledgements that came, and error codes. */
  readonly heard: readonly string[]
}

/** A TFTP server that behaves as told, on a port of its own for each transfer, as RFC 1350 wants it. */
export async function startLabTftp(address: string, behaviour: Behaviour): Promise<LabTftp> {
  const heard: string[] = []
  const sockets: Socket[] = []
  const door = await open(address, sockets)
  const transfers = new Map<number, Promise<(ack: Buffer) => void>>()
  door.on('message', (packet, { port: client }) => {
    if (packet.readUInt16BE(0) !== 1) return
    const words = packet.subarray(2).toString().split('\0')
    const known = transfers.get(client)
    const transfer = known ?? begin(address, { sockets, client, words, heard }, behaviour)
    transfers.set(client, transfer)
    if (known) void transfer.then((again) => again(Buffer.alloc(0)))
  })
  return {
    port: door.address().port,
    heard,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.close()
    },
  }
}

interface Asked {
  readonly sockets: Socket[]
  readonly client: number
  readonly words: readonly string[]
  readonly heard: string[]
}

async function begin(
  address: string,
  { sockets, client, words, heard }: Asked,
  behaviour: Behaviour,
): Promise<(packet: Buffer) => void> {
  const { files, isPlain, block: forced, loses = 0, losesEvery = Infinity, doubles, stranger } = behaviour
  const { stopsAfter = Infinity, garbage, window = 1, skipsZero } = behaviour
  const socket = await open(address, sockets)
  const other = stranger ? await open(address, sockets) : undefined
  const file = files[words[0] ?? '']
  const asked = Number(words[words.indexOf('blksize') + 1])
  const block = isPlain ? 512 : (forced ?? asked)
  /** The first block of the window; 0 is the answer to options. */
  let first = isPlain ? 1 : 0
  let [lost, count] = [0, 0]
  const numberOf = (at: number) => (skipsZero && at > 0xffff ? ((at - 1) % 0xffff) + 1 : at & 0xffff)
  const packetOf = (at: number): Buffer => {
    if (garbage) return garbage
    if (!file) return Buffer.concat([Buffer.from([0, 5, 0, 1]), Buffer.from('File not found\0')])
    const windowsize = behaviour.window === undefined ? '' : `windowsize\0${window}\0`
    if (at === 0) return Buffer.from(`\0\u0006tsize\0${file.length}\0blksize\0${block}\0${windowsize}`, 'latin1')
    const number = numberOf(at)
    const bytes = file.subarray((at - 1) * block, at * block)
    return Buffer.concat([Buffer.from([0, 3, number >> 8, number & 0xff]), bytes])
  }
  /** The last of the window that there is. */
  const end = () => {
    if (first === 0 || !file) return first
    return Math.min(first + window - 1, Math.floor(file.length / block) + 1)
  }
  const send = () => {
    if (first > stopsAfter) return
    if (lost < loses) {
      lost += 1
      return
    }
    lost = 0
    // Whoever answers first is the server (RFC 1350): a stranger comes later.
    if (first > 0) other?.send(Buffer.from([0, 3, 0, 1, 66, 66]), client, address)
    for (let at = first; at <= end(); at++) {
      if (++count % losesEvery === 0) continue
      socket.send(packetOf(at), client, address)
      if (doubles) socket.send(packetOf(at), client, address)
    }
  }
  socket.on('message', (packet) => {
    const [kind, number] = [packet.readUInt16BE(0), packet.readUInt16BE(2)]
    heard.push(`${kind === 4 ? 'ack' : 'error'} ${number}`)
    if (kind !== 4 || !file) return
    for (let at = first; at <= end(); at++) {
      if (numberOf(at) !== number) continue
      first = at + 1
      break
    }
    if (first > 0 && (first - 1) * block > file.length) return
    send()
  })
  send()
  return send
}

async function open(address: string, sockets: Socket[]): Promise<Socket> {
  const socket = createSocket('udp4')
  sockets.push(socket)
  await new Promise<void>((resolve) => socket.bind(0, address, resolve))
  return socket
}
