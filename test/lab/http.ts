import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An HTTP server for one test. */
export interface LabHttp extends AsyncDisposable {
  /** Address and port. */
  readonly host: string
}

/** Listens on a port of its own. Its end cuts every connection, and may be asked for twice. */
export async function startHttp(answer: RequestListener, address = '127.0.0.1'): Promise<LabHttp> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  return {
    host: `${address}:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      if (server.listening) await new Promise((resolve) => server.close(resolve))
    },
  }
}
