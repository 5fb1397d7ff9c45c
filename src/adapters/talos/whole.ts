import { type ClientHttp2Stream, constants } from 'node:http2'

/**
 * Makes the iteration of an http2 stream yield all that arrives. Node's own, from 24.20 on and on 26, throws
 * ERR_STREAM_PREMATURE_CLOSE after the last byte when headers, data and trailers came in one piece, which is how grpc-go
 * writes them (nodejs/node issue 65677). Events are right on every version, so this reads by them: in paused mode, so
 * that no more is held than http2's own window.
 *
 * Also, a stream that closes without an answer and without an error, as after a RST_STREAM with NO_ERROR, becomes an
 * error: nobody else would ever hear of it.
 */
export function iterable(stream: ClientHttp2Stream): ClientHttp2Stream {
  let answered = false
  let isEmpty = false
  stream.once('response', (_headers, flags) => {
    answered = true
    isEmpty = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
  })
  // Whoever listens besides hears of it too; this one only keeps an error that comes before them from ending the process.
  stream.on('error', () => {})
  const sayWhy = () => {
    if (!answered && !stream.errored) stream.emit('error', new EndedEarly('the stream closed before an answer'))
  }
  // After connect-node, which can read more from the code of a reset.
  stream.once('close', () => process.nextTick(sayWhy))
  return Object.defineProperty(stream, Symbol.asyncIterator, { value: () => chunksOf(stream, isEmpty) })
}

/** A stream that closed before its end. */
export class EndedEarly extends Error {
  override readonly name = 'EndedEarly'
}

async function* chunksOf(stream: ClientHttp2Stream, isEmpty: boolean): AsyncGenerator<Buffer, void, undefined> {
  if (isEmpty) {
    stream.resume()
    return
  }
  let wake = () => {}
  let ended = stream.readableEnded
  const onEvent = () => wake()
  const onEnd = () => {
    ended = true
    wake()
  }
  const events = ['readable', 'error', 'close'] as const
  for (const event of events) stream.on(event, onEvent)
  stream.on('end', onEnd)
  try {
    while (true) {
      const chunk = stream.read() as Buffer | null
      if (chunk !== null) {
        yield chunk
        continue
      }
      if (ended) return
      if (stream.errored) throw stream.errored
      if (stream.closed && stream.destroyed) throw new EndedEarly('the stream closed before its end')
      await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    for (const event of events) stream.off(event, onEvent)
    stream.off('end', onEnd)
    // The consumer stopped early: cancel the stream.
    if (!ended && !stream.closed) stream.close(constants.NGHTTP2_CANCEL)
  }
}
