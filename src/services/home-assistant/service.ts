import { defineService } from '../../operations/service.ts'
import { section } from './section.ts'

/** The homelab in Home Assistant, by MQTT discovery. Off unless it is configured; until then nothing of it is loaded. */
export default defineService({
  name: 'home-assistant',
  config: section,

  async start(context) {
    if (context.section === undefined) {
      context.alerts.settle('home-assistant.failing')
      return { status: () => 'off: set `homeAssistant` to use it', [Symbol.asyncDispose]: async () => {} }
    }
    const { startHomeAssistant } = await import('./work.ts')
    return startHomeAssistant({ ...context, section: context.section })
  },
})
