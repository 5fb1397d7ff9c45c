import { messageOf } from '../../core/errors.ts'
import { defineService, type SectionFault } from '../../operations/service.ts'
import { section } from './section.ts'

/**
 * Where jobs wait their turn: a store, which is our own unless another one is named, a worker, and the schedules. The power
 * is guarded without it.
 */
export default defineService({
  name: 'queue',
  starts: 'last',
  pages: [{ path: '/jobs', title: 'Jobs', order: 60, load: () => import('./jobs/page.ts') }],
  config: section.prefault({}),

  async check({ section: { url, password }, files }) {
    const faults: SectionFault[] = []
    const attempt = async (setting: string, work: () => Promise<unknown>) => {
      await work().catch((error: unknown) => faults.push({ setting, why: messageOf(error) }))
    }
    if (password) await attempt('queue.password', () => files.readSecret(password, 'it'))
    const { checkStore } = await import('./program.ts')
    if (url === undefined) await attempt('state', () => checkStore(files))
    return faults
  },

  async start(context) {
    const { startWork } = await import('./work.ts')
    return startWork(context)
  },
})
