import { allMetrics } from '../../core/metrics/table.ts'
import { createExposition, formatFor } from './exposition.ts'
import { gatherSamples, type GatherContext } from './gather.ts'

/** Answers scrapes of Prometheus. */
export function createScraping(context: GatherContext): (request: Request) => Promise<Response> {
  const expose = createExposition()
  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return new Response(undefined, { status: 405, headers: { allow: 'GET, HEAD' } })
    const samples = await gatherSamples(context)
    const { contentType, text } = await expose(samples, allMetrics, formatFor(request.headers.get('accept')))
    return new Response(request.method === 'HEAD' ? undefined : text, {
      headers: { 'content-type': contentType, 'cache-control': 'no-store' },
    })
  }
}
