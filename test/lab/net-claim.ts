import { createServer, type Server } from 'node:net'
import { waitFor } from './daemon.ts'

/**
 * Keeps the addresses 127.0.<net>.x for one homelab until it is disposed of, also where its process is killed. Whoever
 * comes second waits: files that run at once may have chosen the same.
 *
 * @throws Error where they do not become free
 */
export async function claimNet(net: number): Promise<AsyncDisposable> {
  return claim(`127.0.${net}.x`, `127.0.${net}.254`)
}

/** The same of one address, for files that share a network and not their addresses. */
export async function claimAddress(address: string): Promise<AsyncDisposable> {
  return claim(address, address)
}

async function claim(what: string, host: string): Promise<AsyncDisposable> {
  let mark: Server | undefined
  await waitFor(`${what} to be free`, 120_000, async () => (mark = await tryMark(host)) !== undefined)
  return { [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void mark!.close(() => resolve())) }
}

/** Listens where only one can, or answers nothing where somebody does. */
function tryMark(host: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen({ host, port: 50_000, exclusive: true }, () => resolve(server))
  })
}
