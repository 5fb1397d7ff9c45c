import { createSocket, type Socket } from 'node:dgram'

/** How a TFTP server answers one read request: packets that it sends, and what it does with what comes back. */
export interface Behaviour {
  /** What it serves, by name. */
  readonly files: Readonly<Record<string, Buffer>>
  /** Knows no options (RFC 1350 alone). */
  readonly isPlain?: boolean
  /** Sends so large blocks, whatever is asked for. */
  readonly block?: number
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
  { files, isPlain, block: forced, loses = 0, doubles, stranger, stopsAfter = Infinity, garbage }: Behaviour,
): Promise<(packet: Buffer) => void> {
  const socket = await open(address, sockets)
  const other = stranger ? await open(address, sockets) : undefined
  const file = files[words[0] ?? '']
  const asked = Number(words[words.indexOf('blksize') + 1])
  const block = isPlain ? 512 : (forced ?? asked)
  let [sent, lost] = [isPlain ? 1 : 0, 0]
  const packetOf = (): Buffer => {
    if (garbage) return garbage
    if (!file) return Buffer.concat([Buffer.from([0, 5, 0, 1]), Buffer.from('File not found\0')])
    if (sent === 0) return Buffer.from(`\0\u0006tsize\0${file.length}\0blksize\0${block}\0`, 'latin1')
    const bytes = file.subarray((sent - 1) * block, sent * block)
    return Buffer.concat([Buffer.from([0, 3, (sent >> 8) & 0xff, sent & 0xff]), bytes])
  }
  const send = () => {
    if (sent > stopsAfter) return
    if (lost < loses) {
      lost += 1
      return
    }
    lost = 0
    // Whoever answers first is the server (RFC 1350): a stranger comes later.
    if (sent > 0) other?.send(Buffer.from([0, 3, 0, 1, 66, 66]), client, address)
    socket.send(packetOf(), client, address)
    if (doubles) socket.send(packetOf(), client, address)
  }
  socket.on('message', (packet) => {
    const [kind, number] = [packet.readUInt16BE(0), packet.readUInt16BE(2)]
    heard.push(`${kind === 4 ? 'ack' : 'error'} ${number}`)
    if (kind !== 4 || !file) return
    if (number === (sent & 0xffff) && (sent === 0 || (sent - 1) * block <= file.length)) sent += 1
    if (sent > 0 && (sent - 1) * block > file.length) return
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
