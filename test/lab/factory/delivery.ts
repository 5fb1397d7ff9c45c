import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { Answer } from './answers.ts'
import type { LabFactoryFaults } from './faults.ts'

/** Sends an answer; that of an image as slowly, and as far, as the faults let it. */
export async function deliver(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  { faults, signal }: { readonly faults: LabFactoryFaults; readonly signal: AbortSignal },
): Promise<void> {
  if (response.destroyed) return
  const body = bytesOf(answer.body)
  const length = answer.bulk || body.length <= 2048 ? { 'content-length': body.length } : {}
  const sniffed = answer.status === 200 && body.length > 0 ? { 'content-type': 'text/plain; charset=utf-8' } : {}
  response.writeHead(answer.status, { ...sniffed, ...length, ...answer.headers })
  if (request.method === 'HEAD' || !answer.bulk) {
    response.end(request.method === 'HEAD' ? undefined : body)
    return
  }
  let end = faults.shortBody ? Math.floor(body.length / 2) : body.length
  if (faults.cutAfterBytes !== undefined && faults.cutAfterBytes < end) {
    end = faults.cutAfterBytes
    faults.cutAfterBytes = undefined
  }
  for (let sent = 0; sent < end && !response.destroyed;) {
    const chunk = body.subarray(sent, Math.min(end, sent + perTick(sent, faults)))
    await new Promise<void>((resolve) => response.write(chunk, () => resolve()))
    sent += chunk.length
    const isSlow = faults.bytesPerSecond !== undefined || faults.trickleAfterBytes !== undefined
    if (isSlow) await pause(50, undefined, { signal })
  }
  if (end < body.length) response.destroy()
  else response.end()
}

/** How much is sent next, in bytes. */
function perTick(sent: number, { bytesPerSecond, trickleAfterBytes }: LabFactoryFaults): number {
  if (trickleAfterBytes !== undefined) return Math.max(1, trickleAfterBytes - sent)
  return bytesPerSecond === undefined ? 1 << 20 : Math.max(1, Math.round(bytesPerSecond / 20))
}

/** Not copied: an image may have a gigabyte, and a HEAD asks for none of it. */
function bytesOf(body: Answer['body']): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(body ?? '')
}
