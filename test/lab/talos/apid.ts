import { once } from 'node:events'
import * as net from 'node:net'
import { duplexPair, type Duplex } from 'node:stream'
import type { Identity } from '../authority.ts'
import { createApidProcess, type Handler } from './apid-process.ts'

/**
 * What listens on a node's address: TCP in front, and behind it HTTP/2 with mTLS, so that the wire can fall silent
 * without a FIN.
 */
export interface Apid extends AsyncDisposable {
  /**
   * Listens and answers; connections that waited are answered now, and those of before the reboot get RST when they
   * speak.
   */
  open(identity: Identity): Promise<void>
  /** Another certificate, and other authorities whose clients are let in, for connections from now on. */
  renew(identity: Identity, accepted: string): void
  /** Ends all connections and stops listening, as a process that is told to stop. */
  close(): void
  /**
   * The kernel is gone: open connections stay open and silent. With `listen`, new ones are accepted and get nothing.
   */
  vanish(options: { readonly listen: boolean }): void
  /** Open ones, of now and of before. */
  readonly connections: number
  /** While silent nothing is read or written, on any connection; afterwards all goes on. */
  setSilent(silent: boolean): void
}

/** One TCP connection. Orphans are those whose kernel is gone. */
interface Wire {
  readonly front: net.Socket
  state: 'waiting' | 'served' | 'orphan'
  relay?: { readonly outer: Duplex; readonly inner: Duplex }
}

/** `accepted`: the authorities whose clients are let in, PEM. */
export function createApid(address: string, port: number, accepted: string, handler: Handler): Apid {
  const wires = new Set<Wire>()
  const process = createApidProcess(accepted, handler)
  let serving = false
  let silent = false
  let front: net.Server | undefined

  function serve(wire: Wire): void {
    const [outer, inner] = duplexPair()
    for (const side of [outer, inner]) side.on('error', () => {})
    wire.state = 'served'
    wire.relay = { outer, inner }
    inner.once('close', () => {
      if (wire.state === 'served') wire.front.destroySoon()
    })
    flow(wire)
    process.take(inner)
  }

  function flow(wire: Wire): void {
    if (!wire.relay || silent) return
    wire.front.pipe(wire.relay.outer).pipe(wire.front)
  }

  function stall(wire: Wire): void {
    if (!wire.relay) return
    wire.front.unpipe(wire.relay.outer)
    wire.relay.outer.unpipe(wire.front)
    wire.front.pause()
  }

  function accept(socket: net.Socket): void {
    const wire: Wire = { front: socket, state: 'waiting' }
    wires.add(wire)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      wires.delete(wire)
      wire.relay?.inner.destroy()
      wire.relay?.outer.destroy()
    })
    if (serving && !silent) serve(wire)
  }

  async function listen(): Promise<void> {
    const listener = net.createServer({ pauseOnConnect: true }, accept)
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject)
      listener.listen({ host: address, port, exclusive: true }, resolve)
    })
    front = listener
  }

  function stopListening(): void {
    front?.close()
    front = undefined
  }

  function end(after?: () => void): void {
    serving = false
    process.end(after)
  }

  return {
    get connections() {
      return wires.size
    },
    async open(identity) {
      process.start(identity)
      if (!front) await listen()
      serving = true
      for (const wire of wires) {
        if (wire.state === 'waiting' && !silent) serve(wire)
        if (wire.state === 'orphan') wire.front.on('data', () => wire.front.resetAndDestroy()).resume()
      }
    },
    renew: process.renew,
    close() {
      stopListening()
      const leaving = [...wires].filter(({ state }) => state !== 'orphan')
      end(() => {
        for (const wire of leaving) wire.front.destroySoon()
      })
    },
    vanish({ listen }) {
      if (!listen) stopListening()
      for (const wire of wires) {
        if (wire.state === 'waiting' && listen) continue
        stall(wire)
        wire.state = 'orphan'
        wire.relay?.inner.destroy()
        wire.relay?.outer.destroy()
        delete wire.relay
      }
      end()
    },
    setSilent(value) {
      if (silent === value) return
      silent = value
      for (const wire of wires) {
        if (silent) stall(wire)
        else if (wire.state === 'waiting' && serving) serve(wire)
        else flow(wire)
      }
    },
    async [Symbol.asyncDispose]() {
      const closed = front ? once(front, 'close') : undefined
      stopListening()
      end()
      for (const wire of wires) wire.front.destroy()
      await closed
    },
  }
}
