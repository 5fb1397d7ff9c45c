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
    const { section: given } = context
    if (given === undefined) return startMachineConfig(context)
    const { startMaintenance } = await import('./maintenance/start.ts')
    await using stack = new AsyncDisposableStack()
    const { introduce } = stack.use(await startMaintenance(context, given))
    const door = stack.use(await startMachineConfig(context, { introduce }))
    const running = stack.move()
    return { ...door, [Symbol.asyncDispose]: () => running.disposeAsync() }
  },
})
