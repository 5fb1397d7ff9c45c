import { createServer, request } from 'node:http'

export interface ManyClientsOptions {
  /** Where it listens, and where the API does. */
  readonly address: string
  readonly port: number
  readonly to: { readonly host: string; readonly port: number }
}

/**
 * A reverse proxy that the API trusts: each request comes from a client of its own, so that none is refused for what others
 * have sent. What a client may send is counted per address, and is tested elsewhere.
 */
export async function startManyClients({ address, port, to }: ManyClientsOptions): Promise<AsyncDisposable> {
  let count = 0
  const server = createServer((incoming, outgoing) => {
    count += 1
    const client = `10.${(count >> 16) & 255}.${(count >> 8) & 255}.${count & 255}`
    const { method, url: path, headers } = incoming
    const options = { ...to, localAddress: address, method, path, headers: { ...headers, 'x-forwarded-for': client } }
    const onward = request(options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    outgoing.on('close', () => onward.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => void server.listen(port, address, resolve))
  return {
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
