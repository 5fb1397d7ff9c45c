import type { ServerResponse } from 'node:http'
import { startHttp } from './http.ts'

/** What a query is answered with: a result, a refusal, or bytes that are no answer of Prometheus at all. */
export type LabAnswer =
  | { readonly resultType: 'vector' | 'matrix' | 'scalar' | 'string'; readonly result: unknown }
  | { readonly errorType: 'bad_data' | 'execution' | 'timeout' | 'unavailable'; readonly error: string }
  | { readonly bytes: string; readonly status?: number }
  | 'silence'

export interface LabPrometheus extends AsyncDisposable {
  readonly url: string
  /** By query; any other is refused as Prometheus refuses what it can't parse. */
  readonly answers: Map<string, LabAnswer>
  /** Paths that were asked for, with their queries. */
  readonly requests: string[]
}

const statusOf = { bad_data: 400, execution: 422, timeout: 503, unavailable: 503 } as const

/**
 * The part of Prometheus' HTTP API that answers instant queries
 * (prometheus.io/docs/prometheus/latest/querying/api, `GET /api/v1/query`), below a path as behind a proxy.
 */
export async function startPrometheus(path = ''): Promise<LabPrometheus> {
  const answers = new Map<string, LabAnswer>()
  const requests: string[] = []
  const server = await startHttp((request, response) => {
    const url = new URL(request.url!, 'http://prometheus')
    requests.push(request.url!)
    const query = url.searchParams.get('query') ?? ''
    const isQuery = request.method === 'GET' && url.pathname === `${path}/api/v1/query`
    reply(response, isQuery ? (answers.get(query) ?? refuse(query)) : { bytes: '404 page not found\n', status: 404 })
  })
  return {
    url: `http://${server.host}${path}`,
    answers,
    requests,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

function refuse(query: string): LabAnswer {
  const error = `invalid parameter "query": 1:1: parse error: unexpected ${JSON.stringify(query)}`
  return { errorType: 'bad_data', error }
}

function reply(response: ServerResponse, answer: LabAnswer): void {
  if (answer === 'silence') return
  if ('bytes' in answer) return void response.writeHead(answer.status ?? 200).end(answer.bytes)
  const refused = 'errorType' in answer
  response.writeHead(refused ? statusOf[answer.errorType] : 200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(refused ? { status: 'error', ...answer } : { status: 'success', data: answer }))
}
