import { defineService } from '../../operations/service.ts'
import { section } from './section.ts'

/** Metrics for Prometheus, on the port of the API. What makes them is loaded with the first scrape. */
export default defineService({
  name: 'metrics',
  config: section.prefault({}),

  async start(context) {
    if (!context.section.enabled) return { status: () => 'off', [Symbol.asyncDispose]: async () => {} }
    let scraping: Promise<(request: Request) => Promise<Response>> | undefined
    const part = context.web.open({
      path: '/metrics',
      access: 'read',
      answer: async ({ request }) => {
        scraping ??= import('./scrape.ts').then(({ createScraping }) => createScraping(context))
        return (await scraping)(request)
      },
    })
    return {
      status: () =>
        context.publicUrl() === undefined ? 'at /metrics where `api` is served' : 'at /metrics of the API',
      [Symbol.asyncDispose]: async () => part[Symbol.dispose](),
    }
  },
})
