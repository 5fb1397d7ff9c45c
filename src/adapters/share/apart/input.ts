import { Socket } from 'node:net'

/** In bytes. */
const readAtOnce = 262_144

/**
 * What comes on a pipe. All pieces are read into one buffer, where a buffer for each would pile up until V8 looks at all it
 * has: a piece holds until the next is asked for.
 */
export async function* readInput(fd: number): AsyncGenerator<Uint8Array> {
  /** Undefined at the end. */
  let next = Promise.withResolvers<Uint8Array | undefined>()
  const socket = new Socket({
    fd,
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.allocUnsafeSlow(readAtOnce),
      callback: (length, buffer) => {
        next.resolve(buffer.subarray(0, length))
        // Nothing more is read until it is asked for.
        return false
      },
    },
  })
  // While a piece is in use nothing is read, and so the end is not seen either.
  const over = () => next.resolve(undefined)
  socket.once('end', over).once('close', over).once('error', over)
  try {
    for (;;) {
      socket.resume()
      const piece = await next.promise
      if (!piece) return
      yield piece
      next = Promise.withResolvers()
    }
  } finally {
    socket.destroy()
  }
}
