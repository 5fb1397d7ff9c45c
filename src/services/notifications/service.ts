import { defineService } from '../../operations/service.ts'
import { section } from './section.ts'

/** Tells people: alerts, events and digests, by the channels that are configured. */
export default defineService({
  name: 'notifications',
  config: section.prefault({}),

  async start(context) {
    const { startNotifications } = await import('./work.ts')
    return startNotifications(context)
  },
})
