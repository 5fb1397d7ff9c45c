import { type Interceptor, type StreamResponse } from '@connectrpc/connect'
import type { Connection } from './connection.ts'
import { brokeOff } from './trouble.ts'

/**
 * Repeats a call once, immediately and on a new connection, where its answer was cut off: only for calls that change
 * nothing, and for streams that end, since they are buffered until then. A node that can't be reached or never `spoke`,
 * and a call whose time is up, are not tried again.
 */
export const askAgain =
  (connection: Pick<Connection, 'spoke' | 'count' | 'replace'>): Interceptor =>
  (next) =>
  async (request) => {
    const input = request.stream ? await Array.fromAsync(request.message) : undefined
    const ask = async () => {
      const response = await next(request.stream ? { ...request, message: listed(input!) } : request)
      return response.stream ? await whole(response) : response
    }
    const { count } = connection
    try {
      return await ask()
    } catch (error) {
      if (request.signal.aborted || !connection.spoke || !brokeOff(error)) throw error
      connection.replace(count)
      return await ask()
    }
  }

async function whole(response: StreamResponse): Promise<StreamResponse> {
  const items = await Array.fromAsync(response.message)
  return { ...response, message: listed(items) }
}

async function* listed<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}
