import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A machine of the lab that is no node: it is up while its port answers, and goes down by `POST /shutdown`. */
export interface LabHost extends AsyncDisposable {
  readonly name: string
  readonly mac: string
  readonly address: string
  readonly port: number
  readonly power: 'on' | 'off'
  /** As a magic packet does: one that is off comes up. */
  wake(): Promise<void>
}

export interface LabHostOptions {
  readonly name: string
  readonly mac: string
  readonly address: string
  /** From the order to being off, in ms. */
  readonly stops?: number
  /** Called when it goes off. */
  readonly onOff?: () => void
}

export async function startLabHost({ name, mac, address, stops = 300, onOff }: LabHostOptions): Promise<LabHost> {
  let server: Server | undefined
  let port = 0
  let stopping: NodeJS.Timeout | undefined

  async function start(): Promise<void> {
    const started = createServer((request, response) => {
      request.resume()
      const isOrder = request.method === 'POST' && request.url === '/shutdown'
      response.writeHead(isOrder ? 202 : 404).end()
      if (isOrder) stopping ??= setTimeout(() => void stop().then(onOff), stops)
    })
    await new Promise<void>((resolve, reject) => {
      started.once('error', reject)
      started.listen(port, address, resolve)
    })
    port = (started.address() as AddressInfo).port
    server = started
  }
  async function stop(): Promise<void> {
    clearTimeout(stopping)
    stopping = undefined
    const running = server
    server = undefined
    running?.closeAllConnections()
    await new Promise<void>((resolve) => (running ? running.close(() => resolve()) : resolve()))
  }
  await start()

  return {
    name,
    mac,
    address,
    get port() {
      return port
    },
    get power() {
      return server ? 'on' : 'off'
    },
    wake: async () => {
      if (!server) await start()
    },
    [Symbol.asyncDispose]: stop,
  }
}
