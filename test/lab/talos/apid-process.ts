import { constants } from 'node:crypto'
import * as http2 from 'node:http2'
import type { Duplex } from 'node:stream'
import * as tls from 'node:tls'
import type { Identity } from '../authority.ts'
import { afterTurns, speakHttp2, toLeave } from './pieces.ts'

export type Handler = (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void

/** apid's process: HTTP/2 with mTLS, on connections that it is given. It ends and starts again with the machine. */
export interface ApidProcess {
  start(identity: Identity): void
  /** Serves this connection; it hangs where no process runs. */
  take(connection: Duplex): void
  /** Another certificate, and other authorities whose clients are let in, for connections from now on. */
  renew(identity: Identity, accepted: string): void
  /**
   * Ends; whether the other side hears of it is decided by what becomes of the connections. With `after` it ends as one
   * that is told to: what it has written leaves first.
   */
  end(after?: () => void): void
}

const protocol = { minVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET } as const
const clientAuth = '1.3.6.1.5.5.7.3.2'
// grpc-go's defaults (keepalive.EnforcementPolicy): a client that pings more often is sent away.
const pingInterval = { withStreams: 5 * 60_000, idle: 2 * 3_600_000 }
const pingStrikes = 2

/** `accepted`: the authorities whose clients are let in, PEM. */
export function createApidProcess(accepted: string, handler: Handler): ApidProcess {
  const sessions = new Set<http2.ServerHttp2Session>()
  let server: tls.Server | undefined

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

  return {
    start(identity) {
      server = createServer(identity)
    },
    take: (connection) => void server?.emit('connection', connection),
    renew({ cert, key }, authorities) {
      accepted = authorities
      server?.setSecureContext({ ca: accepted, cert, key, ...protocol })
    },
    end(after) {
      server = undefined
      const ending = [...sessions]
      const destroy = () => {
        for (const session of ending) session.destroy()
        after?.()
      }
      if (after) afterTurns(toLeave, destroy)
      else destroy()
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
