import { defineService } from '../../operations/service.ts'
import { section } from './section.ts'

/** The HTTP API on a port, for other machines, phones and programs. Off unless it is configured. */
export default defineService({
  name: 'api',
  config: section,

  async check(context) {
    if (context.section === undefined) return []
    const { checkApi } = await import('./check.ts')
    return checkApi(context)
  },

  async start(context) {
    const { startApi } = await import('./work.ts')
    return startApi(context)
  },
})
