import { startHttp } from '../http.ts'
import { answerThrough, noWireFaults, readRequest, type WireAnswer, type WireFaults, type WireRequest } from './wire.ts'

/** A server that answers one request after the other, with what may go wrong on the way. */
export interface LabStandIn extends AsyncDisposable {
  readonly url: string
  /** Everything that was asked for, in its order. */
  readonly requests: readonly WireRequest[]
  readonly faults: WireFaults
}

export async function startStandIn(
  address: string | undefined,
  answer: (request: WireRequest) => WireAnswer | Promise<WireAnswer>,
): Promise<LabStandIn> {
  const requests: WireRequest[] = []
  const faults = noWireFaults()
  const server = await startHttp((incoming, response) => {
    const work = readRequest(incoming).then((request) => {
      requests.push(request)
      return answerThrough(faults, response, () => answer(request), request.target)
    })
    // Whoever asked has gone away in the middle of it.
    work.catch(() => response.destroy())
  }, address)
  return {
    url: `http://${server.host}`,
    requests,
    faults,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** The JSON object of a body; undefined where it holds none. */
export function jsonOf(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
