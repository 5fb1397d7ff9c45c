import type { IncomingMessage } from 'node:http'
import { longestForm } from './limits.ts'

/** The body of a request, a form; undefined where it is too long, or was cut off. */
export async function readForm(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = []
  let length = 0
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      length += part.length
      if (length > longestForm) return undefined
      parts.push(part)
    }
  } catch {
    return undefined
  }
  return Buffer.concat(parts).toString('latin1')
}
