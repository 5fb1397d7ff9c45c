import { once } from 'node:events'
import { request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { socketLimits } from '../../src/http/limits.ts'
import { closeServer, createHttpServer } from '../../src/http/serve.ts'
import { askWithoutEnd } from '../lab/many-requests.ts'

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
