import { defineService } from '../../operations/service.ts'
import { section } from './section.ts'

/** Hands new machines their configuration, once a person has approved them. Off unless it is configured. */
export default defineService({
  name: 'machine-config',
  config: section,
  pages: [{ path: '/machines', title: 'Machines', order: 45, load: () => import('./pages/page.ts') }],

  async check(context) {
    if (context.section === undefined) return []
    const { checkMachineConfig } = await import('./check.ts')
    return checkMachineConfig(context)
  },

  async start(context) {
    const { startMachineConfig } = await import('./work.ts')
    return startMachineConfig(context)
  },
})
