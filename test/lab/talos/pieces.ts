import type { Http2Server, Http2Session } from 'node:http2'
import { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'

/** What waits to be sent at most before it is sent at once, in bytes: grpc-go's write buffer. */
const buffered = 32_768

/** Turns of the event loop that it takes a written message to leave: through http2, TLS, and the wire. */
export const toLeave = 5

export function afterTurns(count: number, action: () => void): void {
  if (count === 0) action()
  else setImmediate(() => afterTurns(count - 1, action))
}

const connections = new WeakMap<Http2Session, Pieces>()

/** The TLS connection below a session that `speakHttp2` began. */
export function tlsSocketOf(session: Http2Session | undefined): TLSSocket | undefined {
  return session && connections.get(session)?.secure
}

/** From now on nothing leaves, until what this returns is called: then all that was written leaves together. */
export function hold(session: Http2Session): () => void {
  return connections.get(session)?.hold() ?? (() => {})
}

/** What http2 has for a socket, above the real one. */
class Pieces extends Duplex {
  readonly secure: TLSSocket
  readonly #waiting: Buffer[] = []
  #size = 0
  #flushing = false
  #held = 0

  constructor(secure: TLSSocket) {
    super({ allowHalfOpen: false })
    this.secure = secure
    secure.on('data', (bytes: Buffer) => {
      if (!this.push(bytes)) secure.pause()
    })
    secure.on('end', () => this.push(null))
    secure.on('close', () => this.destroy())
  }

  override _read(): void {
    this.secure.resume()
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#waiting.push(bytes)
    this.#size += bytes.length
    this.#flushSoon()
    if (this.#size < buffered) return done()
    if (this.#flush()) done()
    else {
      const go = () => {
        this.secure.off('drain', go).off('close', go)
        done()
      }
      this.secure.on('drain', go).on('close', go)
    }
  }

  override _final(done: () => void): void {
    this.#leave()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#leave()
    done(error)
  }

  /**
   * What was written leaves, and then the connection ends. Not by `end`, since a TLS socket above a stream of JavaScript's
   * may still write then, which Node forbids with an assertion.
   */
  #leave(): void {
    this.#flush()
    afterTurns(toLeave, () => this.secure.destroy())
  }

  hold(): () => void {
    this.#held++
    return () => {
      this.#held--
      this.#flushSoon()
    }
  }

  #flushSoon(): void {
    if (this.#flushing || this.#held > 0) return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      if (this.#held === 0) this.#flush()
    })
  }

  #flush(): boolean {
    this.#size = 0
    const waiting = this.#waiting.splice(0)
    return waiting.length === 0 || this.secure.destroyed || this.secure.write(Buffer.concat(waiting))
  }
}

/**
 * Begins HTTP/2 on a connection on which all that is ready together leaves in one piece, in one TLS record
 * where it fits: as grpc-go's loopy writer does, which flushes when nothing more is ready
 * (internal/transport/controlbuf.go).
 */
export function speakHttp2(server: Http2Server, secure: TLSSocket): void {
  const pieces = new Pieces(secure)
  server.once('session', (session) => connections.set(session, pieces))
  server.emit('connection', pieces)
}
