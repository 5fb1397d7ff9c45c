import { defineService } from '../../operations/service.ts'
import { section } from './section.ts'
import { sharedAlert } from './sharing.ts'

/** Tells machines that boot from the network what to boot, beside the DHCP server of the network. Off unless configured. */
export default defineService({
  name: 'proxy-dhcp',
  config: section,

  async check(context) {
    if (context.section === undefined) return []
    const { checkProxy } = await import('./check.ts')
    return checkProxy(context)
  },

  async start(context) {
    const { section: given } = context
    if (given === undefined) {
      context.alerts.settle(sharedAlert)
      return {
        status: () => 'off: set `proxyDhcp` to tell machines what to boot',
        [Symbol.asyncDispose]: async () => {},
      }
    }
    const { startProxy } = await import('./work.ts')
    return startProxy({ ...context, section: given })
  },
})
