import { createServer } from 'node:https'
import { expect, test } from 'vitest'
import { createApi } from '../../../src/adapters/kubernetes/api.ts'
import { createAuthority } from '../../lab/authority.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

/** An API that closes each connection at the second request on it, unanswered, as if it had just found it idle for too long. */
async function startImpatient(port: number) {
  const authority = await createAuthority('kubernetes')
  const identity = await authority.issueServer({ common: 'api', ips: ['127.0.44.108'] })
  const asked: string[] = []
  const used = new WeakSet<object>()
  const server = createServer(identity, (request, response) => {
    const isSecond = used.has(request.socket)
    used.add(request.socket)
    asked.push(`${request.method}${isSecond ? ', closed' : ''}`)
    if (isSecond) request.socket.destroy()
    else response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.44.108', resolve))
  const access = { ca: authority.ca, cert: undefined, key: undefined, token: 'x' }
  const api = createApi({ server: new URL(`https://127.0.44.108:${port}`), ...access })
  return {
    api,
    asked,
    [Symbol.asyncDispose]: async () => {
      api[Symbol.dispose]()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

test('a connection that was closed meanwhile is no failure: the request is sent again on another one', async () => {
  await using it = await startImpatient(26_445)
  const get = () => it.api.send({ method: 'GET', path: '/version', signal: soon() })
  await get()
  // Several that are kept open at once are all closed meanwhile.
  await Promise.all([get(), get(), get()])
  await Promise.all([get(), get(), get(), get()])
  expect(it.asked.filter((one) => one === 'GET')).toHaveLength(8)
  expect(it.asked.filter((one) => one === 'GET, closed').length).toBeGreaterThan(1)
})

test('what must not be sent twice is not', async () => {
  await using it = await startImpatient(26_446)
  const post = () => it.api.send({ method: 'POST', path: '/api/v1/pods/x/eviction', body: {}, signal: soon() })
  await post()
  expect(await refusal(post())).toMatchObject({
    code: 'unreachable',
    message: expect.stringMatching(/^the Kubernetes API at 127\.0\.44\.108:26446: /),
  })
  expect(it.asked).toEqual(['POST', 'POST, closed'])
})
