import { Socket } from 'node:net'

/** In bytes. */
const readAtOnce = 262_144

/**
 * What comes on a pipe, without a buffer for each piece: all are read into one, so that nothing piles up that V8 has to
 * look through. A piece holds until the next is asked for.
 */
export async function* readInput(fd: number): AsyncGenerator<Uint8Array> {
  let arrived: Uint8Array | undefined
  let isOver = false
  let wake = () => {}
  const socket = new Socket({
    fd,
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.allocUnsafeSlow(readAtOnce),
      callback: (length, buffer) => {
        arrived = buffer.subarray(0, length)
        wake()
        // Nothing more is read until it is asked for.
        return false
      },
    },
  })
  const over = () => {
    isOver = true
    wake()
  }
  socket.once('end', over).once('close', over).once('error', over)
  try {
    for (;;) {
      while (!arrived && !isOver) {
        const { promise, resolve } = Promise.withResolvers<void>()
        wake = resolve
        socket.resume()
        await promise
      }
      if (!arrived) return
      const piece = arrived
      arrived = undefined
      yield piece
    }
  } finally {
    socket.destroy()
  }
}
