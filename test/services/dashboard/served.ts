import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openDashboard, type SiteOptions } from './site.ts'

/** As `src/services/api/headers.ts` sends it. */
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"

/**
 * The pages of a dashboard over HTTP, with the headers of the API, to a browser that takes lab.example for 127.0.0.1.
 *
 * @param scope of whoever looks; undefined: a stranger
 */
export async function serveDashboard(options: SiteOptions, scope?: 'operate') {
  const dashboard = await openDashboard(options)
  const { ask } = dashboard
  const followers = new Set<ServerResponse>()
  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const headers = Object.fromEntries(
      Object.entries(incoming.headers).flatMap(([name, value]) =>
        // What is packed is no text.
        typeof value === 'string' && name !== 'accept-encoding' ? [[name, value]] : [],
      ),
    )
    const { url = '/' } = incoming
    if (url.endsWith('/live')) {
      // It is followed, and says what the test says.
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': here\n\n')
      followers.add(response)
      response.on('close', () => followers.delete(response))
      return
    }
    const told = await ask(url, { headers, scope })
    response.writeHead(told.status, { ...Object.fromEntries(told.headers), 'content-security-policy': policy })
    response.end(told.text)
  }
  const server = createServer((incoming, response) => {
    answer(incoming, response).catch((error: unknown) => response.destroy(error as Error))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://lab.example:${port}`,
    /** As the API tells of what happens. */
    tell: (event: string, data: object = {}) => {
      for (const follower of followers) follower.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    },
    /** Nothing more is heard over the connections that there are. */
    hangUp: () => {
      for (const follower of followers) follower.end()
    },
    get followers() {
      return followers.size
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await dashboard[Symbol.asyncDispose]()
    },
  }
}
