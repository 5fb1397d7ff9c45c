import { constants } from 'node:crypto'
import { once } from 'node:events'
import * as http2 from 'node:http2'
import * as net from 'node:net'
import { duplexPair, type Duplex } from 'node:stream'
import * as tls from 'node:tls'
import type { Identity } from '../authority.ts'
import { afterTurns, speakHttp2, toLeave } from './pieces.ts'

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

type Handler = (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void

/** One TCP connection. Orphans are those whose kernel is gone. */
interface Wire {
  readonly front: net.Socket
  state: 'waiting' | 'served' | 'orphan'
  relay?: { readonly outer: Duplex; readonly inner: Duplex }
}

const protocol = { minVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET } as const
const clientAuth = '1.3.6.1.5.5.7.3.2'
// grpc-go's defaults (keepalive.EnforcementPolicy): a client that pings more often is sent away.
const pingInterval = { withStreams: 5 * 60_000, idle: 2 * 3_600_000 }
const pingStrikes = 2

/** `accepted`: the authorities whose clients are let in, PEM. */
export function createApid(address: string, port: number, accepted: string, handler: Handler): Apid {
  const wires = new Set<Wire>()
  const sessions = new Set<http2.ServerHttp2Session>()
  let serving = false
  let silent = false
  let server: tls.Server | undefined
  let front: net.Server | undefined

  function createServer({ cert, key }: Identity): tls.Server {
    const inner = http2.createServer(handler)
    inner.on('session', (session) => {
      sessions.add(session)
      session.on('close', () => sessions.delete(session))
      session.on('error', () => session.destroy())
      enforcePings(session)
      measureBandwidth(session)
    })
    inner.on('sessionError', () => {})
    const options = { requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['h2'], allowHalfOpen: true }
    const server = tls.createServer({ ca: accepted, cert, key, ...protocol, ...options }, (socket) => {
      socket.on('error', () => socket.destroy())
      // A certificate that is good for anything besides being a client is refused (apid's VerifyPeerCertificate).
      const usage = socket.getPeerCertificate().ext_key_usage
      if (usage?.length !== 1 || usage[0] !== clientAuth) socket.destroy()
      else speakHttp2(inner, socket)
    })
    server.on('tlsClientError', () => {})
    return server
  }

  function serve(wire: Wire): void {
    const [outer, inner] = duplexPair()
    for (const side of [outer, inner]) side.on('error', () => {})
    wire.state = 'served'
    wire.relay = { outer, inner }
    inner.once('close', () => {
      if (wire.state === 'served') wire.front.destroySoon()
    })
    flow(wire)
    server?.emit('connection', inner)
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

  /**
   * The process behind the wires ends; whether the other side hears of it is decided by the wires' state. With `after` it
   * ends as one that is told to: what it has written leaves first.
   */
  function end(after?: () => void): void {
    serving = false
    server = undefined
    const ending = [...sessions]
    const destroy = () => {
      for (const session of ending) session.destroy()
      after?.()
    }
    if (after) afterTurns(toLeave, destroy)
    else destroy()
  }

  return {
    get connections() {
      return wires.size
    },
    async open(identity) {
      server = createServer(identity)
      if (!front) await listen()
      serving = true
      for (const wire of wires) {
        if (wire.state === 'waiting' && !silent) serve(wire)
        if (wire.state === 'orphan') wire.front.on('data', () => wire.front.resetAndDestroy()).resume()
      }
    },
    renew({ cert, key }, authorities) {
      accepted = authorities
      server?.setSecureContext({ ca: accepted, cert, key, ...protocol })
    },
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

/** Sends clients away that ping too often, as every grpc-go server does (internal/transport/http2_server.go). */
function enforcePings(session: http2.ServerHttp2Session): void {
  let strikes = 0
  let last = 0
  let streams = 0
  session.on('stream', (stream) => {
    streams++
    strikes = 0
    stream.once('close', () => {
      streams--
      strikes = 0
      last = 0
    })
  })
  session.on('ping', () => {
    const now = Date.now()
    if (now - last < (streams > 0 ? pingInterval.withStreams : pingInterval.idle)) strikes++
    last = now
    if (strikes <= pingStrikes) return
    session.goaway(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too_many_pings'))
    session.destroy()
  })
}

/** What grpc-go writes into the pings that it measures bandwidth with (internal/transport/bdp_estimator.go). */
const bandwidthPing = Buffer.from([2, 4, 16, 16, 9, 14, 7, 7])

/** Asks how long the way is whenever data come in, one ping at a time, as every grpc-go server does. */
function measureBandwidth(session: http2.ServerHttp2Session): void {
  let measuring = false
  // Its first data come with a stream.
  session.on('stream', () => {
    if (measuring || session.destroyed || session.closed) return
    measuring = session.ping(bandwidthPing, () => (measuring = false))
  })
}
