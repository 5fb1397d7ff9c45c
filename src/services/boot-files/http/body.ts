import type { ServerResponse } from 'node:http'
import { chunkSize, type SharedFile } from '../files/shared-file.ts'

/**
 * Sends a part of a file, as fast as the client takes it. Resolves to how many bytes the system has taken; fewer than the
 * part has where the client hung up. The end of the file waits for `ending`.
 *
 * @throws AgentError where the file can't be read
 */
export async function sendPart(
  file: SharedFile,
  { start, end }: { readonly start: number; readonly end: number },
  response: ServerResponse,
  { told, ending }: { told(sent: number): void; ending(): Promise<void> },
): Promise<number> {
  let sent = 0
  while (start + sent < end && !response.destroyed) {
    const at = start + sent
    const index = Math.floor(at / chunkSize)
    const chunk = await file.chunk(index)
    const from = at - index * chunkSize
    const part = chunk.bytes.subarray(from, Math.min(chunk.bytes.length, from + end - at))
    if (at + part.length === file.size) await ending()
    // Until then the system may still read from it. What is not given back is not used again.
    const isTaken = await write(response, part)
    if (!isTaken) break
    file.release(chunk)
    sent += part.length
    told(sent)
  }
  return sent
}

/** Whether the system has taken it. */
function write(response: ServerResponse, bytes: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    const hungUp = () => resolve(false)
    response.once('close', hungUp)
    response.write(bytes, (error) => {
      response.off('close', hungUp)
      resolve(!error)
    })
  })
}
