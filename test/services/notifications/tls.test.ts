import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { ask } from '../../../src/services/notifications/outgoing.ts'
import { createAuthority } from '../../lab/authority.ts'
import { startHttp } from '../../lab/http.ts'
import { failureOf } from './failure.ts'

const address = '127.0.75.10'
const { signal } = new AbortController()

async function asking(host: string) {
  return failureOf(ask({ doing: 'phone', url: new URL(`https://${host}/`) }, signal))
}

test('a server whose authority nobody knows is told in words of its certificate, without advice about Node', async () => {
  const lab = await createAuthority('attic')
  const server = createServer(await lab.issueServer({ common: 'attic', ips: [address] }))
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  onTestFinished(() => void server.close())
  const { message } = await asking(`${address}:${(server.address() as AddressInfo).port}`)
  expect(message).toMatch(
    /^phone: 127\.0\.75\.10:\d+: its certificate is signed by no authority that is trusted here; where it is of your own CA, name that in `notifications\.ca`$/,
  )
})

test('a port without TLS is told as that, and not in the words of OpenSSL', async () => {
  const server = await startHttp((_, response) => response.end(), address)
  onTestFinished(() => server[Symbol.asyncDispose]())
  expect((await asking(server.host)).message).toBe(`phone: ${server.host}: no TLS is spoken on this port`)
})
