import { once } from 'node:events'
import { connect, constants, createServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { iterable } from '../../../src/adapters/talos/whole.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** A stream of ours, and the server's end of it. */
async function open(serve: (stream: ServerHttp2Stream) => void = () => {}) {
  const server = createServer()
  const served = new Promise<ServerHttp2Stream>((resolve) => {
    server.on('stream', (stream) => {
      stream.on('error', () => {})
      resolve(stream)
      serve(stream)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  session.on('error', () => {})
  ends.push(() => {
    session.destroy()
    server.close()
  })
  const stream = iterable(session.request({ ':method': 'POST' }))
  stream.end()
  return { stream, served: await served }
}

const piece = Buffer.alloc(65_536, 'x')
const sizeOf = async (stream: AsyncIterable<Buffer>) => {
  let size = 0
  for await (const chunk of stream) size += chunk.length
  return size
}

describe('a stream that is read by its events', () => {
  test('is whole, and its trailers are seen', async () => {
    const { stream } = await open((served) => {
      served.respond({ ':status': 200 }, { waitForTrailers: true })
      served.on('wantTrailers', () => served.sendTrailers({ 'grpc-status': '0' }))
      served.end(piece)
    })
    const trailers = once(stream, 'trailers')
    await once(stream, 'response')
    expect(await sizeOf(stream)).toBe(piece.length)
    expect((await trailers)[0]).toMatchObject({ 'grpc-status': '0' })
  })

  test('is whole although it was closed before anybody read it', async () => {
    const { stream } = await open((served) => {
      served.respond({ ':status': 200 }, { waitForTrailers: true })
      served.on('wantTrailers', () => served.sendTrailers({ 'grpc-status': '0' }))
      served.end('an answer')
    })
    await once(stream, 'trailers')
    // All of it is here, and nobody has read a byte.
    await new Promise(setImmediate)
    expect(await sizeOf(stream)).toBe('an answer'.length)
  })

  test('with nothing in it ends', async () => {
    const { stream } = await open((served) => served.respond({ ':status': 200 }, { endStream: true }))
    await once(stream, 'response')
    expect(await sizeOf(stream)).toBe(0)
  })

  test('holds back who writes faster than it is read', async () => {
    let written = 0
    const blocked = Promise.withResolvers<void>()
    const total = 512
    const { stream } = await open((served) => {
      served.respond({ ':status': 200 })
      const write = () => {
        while (written < total) {
          written++
          if (!served.write(piece)) {
            blocked.resolve()
            return served.once('drain', write)
          }
        }
        return served.end()
      }
      write()
    })
    await once(stream, 'response')
    const reader = stream[Symbol.asyncIterator]() as AsyncGenerator<Buffer>
    const first = await reader.next()
    await blocked.promise
    for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
    expect(written * piece.length).toBeLessThan(2 * 1_048_576)
    expect((first.value as Buffer).length + (await sizeOf(reader))).toBe(total * piece.length)
  })

  test('that nobody wants any more is cancelled', async () => {
    const { stream, served } = await open((served) => {
      served.respond({ ':status': 200 })
      served.write(piece)
    })
    await once(stream, 'response')
    for await (const chunk of stream) {
      expect(chunk.length).toBeGreaterThan(0)
      break
    }
    await once(served, 'close')
    expect(served.rstCode).toBe(constants.NGHTTP2_CANCEL)
  })

  test('that is reset in the middle fails', async () => {
    const { stream, served } = await open((served) => {
      served.respond({ ':status': 200 })
      served.write(piece)
    })
    await once(stream, 'response')
    const read = async () => {
      for await (const _ of stream) served.close(constants.NGHTTP2_INTERNAL_ERROR)
    }
    await expect(read()).rejects.toThrow('NGHTTP2_INTERNAL_ERROR')
  })

  test.each([constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_STREAM_CLOSED])(
    'that is closed with code %i before an answer is an error, and no silence',
    async (code) => {
      const { stream } = await open((served) => served.close(code))
      const [error] = (await once(stream, 'error').catch((reason: unknown) => [reason])) as [Error]
      expect(error).toBeInstanceOf(Error)
    },
  )
})
