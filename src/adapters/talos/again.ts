import { type Interceptor, type StreamResponse } from '@connectrpc/connect'
import type { Connection } from './connection.ts'
import { brokeOff } from './trouble.ts'

/**
 * A question that is asked once more, at once and on another connection, where its answer broke off on its way: only for
 * what changes nothing, and for streams with an end, since they are held until it. Not asked again is a node that can't be
 * reached, that never `spoke`, or whose time is up.
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
