import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { socketLimits } from '../../src/http/limits.ts'
import { limitPipelining } from '../../src/http/pipelining.ts'
import { closeServer, createHttpServer } from '../../src/http/serve.ts'
import { askWithoutEnd } from '../lab/many-requests.ts'

const address = '127.0.116.13'

/** Sends so many requests in one go; resolves with what came back when the connection is over, or was answered in full. */
async function sendAtOnce(server: Server, count: number, answers = Infinity): Promise<string> {
  server.listen(0, address)
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const socket = connect((server.address() as AddressInfo).port, address)
  let got = ''
  socket.on('error', () => {})
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(count))
  await new Promise<void>((resolve) => {
    socket.on('close', () => resolve())
    socket.setEncoding('utf8').on('data', (text: string) => {
      got += text
      if (got.split('HTTP/1.1 ').length > answers) resolve()
    })
  })
  socket.destroy()
  return got
}

test('who sends thousands of requests before the first is answered is hung up on, and few of them cost anything', async () => {
  let asked = 0
  const server = createHttpServer(
    () => {
      asked += 1
      return new Promise<never>(() => {})
    },
    { limits: socketLimits },
  )
  await sendAtOnce(server, 20_000)
  expect(asked).toBeGreaterThan(0)
  expect(asked).toBeLessThan(100)
})

test('the same of requests that are refused at the door', async () => {
  let refused = 0
  const server = createHttpServer(() => new Response('never'), {
    limits: socketLimits,
    refuse: () => {
      refused += 1
      return false
    },
  })
  await sendAtOnce(server, 20_000)
  expect(refused).toBeLessThan(100)
})

test('a few at once are answered, one after the other', async () => {
  const server = createHttpServer(() => new Response('yes'), { limits: socketLimits })
  const got = await sendAtOnce(server, 10, 10)
  expect(got.match(/200 OK/g)).toHaveLength(10)
})

test('requests beyond the one that a connection may send end it, too', async () => {
  let dropped = 0
  const server = createServer(() => {})
  server.maxRequestsPerSocket = 1
  server.on('dropRequest', () => (dropped += 1))
  limitPipelining(server)
  await sendAtOnce(server, 20_000)
  expect(dropped).toBeGreaterThan(0)
  expect(dropped).toBeLessThan(100)
})

test('whoever asks the API without end on one connection is hung up on in the middle of a read, and others are answered', async () => {
  const server = createHttpServer(() => new Response('x'.repeat(100_000)), { limits: socketLimits })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => closeServer(server))
  const { port } = server.address() as { port: number }
  const asked = { host: '127.0.0.1', port, from: '127.0.124.1', request: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' }
  expect(await askWithoutEnd(asked)).toBeLessThan(20)
  const answered = await new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, localAddress: '127.0.124.2' }, (answer) => resolve(answer.statusCode))
      .once('error', reject)
      .end()
  })
  expect(answered).toBe(200)
})
