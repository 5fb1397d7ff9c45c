import { defineService } from '../../operations/service.ts'
import { section } from './section.ts'

/** Pages for browsers, on the port of the API. What draws them is loaded with the first request. */
export default defineService({
  name: 'dashboard',
  config: section.prefault({}),
  pages: [
    { path: '/', title: 'Overview', order: 0, load: () => import('./overview/page.ts') },
    { path: '/settings', title: 'Settings', order: 90, load: () => import('./settings/page.ts') },
    { path: '/journal', title: 'Journal', order: 80, load: () => import('./journal/page.ts') },
  ],

  async start(context) {
    if (!context.section.enabled) return { [Symbol.asyncDispose]: async () => {} }
    // The build copies what is served as it is beside this file.
    const assets = new URL('./assets/', import.meta.url)
    let loading: ReturnType<typeof load> | undefined
    const load = async () => (await import('./site.ts')).openSite(context, assets)
    const opened = context.web.open({
      path: '/',
      access: 'open',
      answer: async (visit) => {
        loading ??= load()
        // A disk that does not give it back may do so the next time.
        loading.catch(() => (loading = undefined))
        return (await loading).answer(visit)
      },
    })
    return { [Symbol.asyncDispose]: async () => opened[Symbol.dispose]() }
  },
})
