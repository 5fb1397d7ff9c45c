import type { ServerResponse } from 'node:http'
import { describeConnectionError } from '../../core/errors.ts'
import type { TakenConfig } from '../../core/provision/desk.ts'

/**
 * Sends a configuration that was taken, and says what became of it. Talos reads it to its end and hangs up: that it did is
 * waited for, because bytes that only our system has may never arrive. So the connection is not closed by us.
 *
 * @param within how long it may take in all, in ms
 */
export async function handOver(taken: TakenConfig, response: ServerResponse, within: number): Promise<boolean> {
  const bytes = Buffer.from(taken.text)
  const { socket } = response
  const cut = (why: string) => {
    taken.cut(why)
    response.destroy()
    return false
  }
  if (!socket || socket.destroyed || response.destroyed) return cut('it had hung up before it was sent')
  const end = new Promise<string | undefined>((resolve) => {
    socket.once('error', ({ message }: Error) => resolve(`its connection broke: ${describeConnectionError(message)}`))
    socket.once('end', () => resolve(undefined))
    socket.once('close', () => resolve('its connection was closed before it had said that it has all'))
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`it did not take it within ${Math.round(within / 1_000)} s`), within)
  })
  response.writeHead(200, {
    'content-type': 'application/yaml',
    'content-length': bytes.length,
    'cache-control': 'no-store',
    connection: 'keep-alive',
  })
  response.end(bytes)
  const why = await Promise.race([end, late])
  clearTimeout(timer)
  if (why !== undefined) return cut(why)
  if (!response.writableFinished) return cut('it hung up before it had all')
  taken.sent()
  socket.destroy()
  return true
}
