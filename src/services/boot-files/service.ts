import { defineService } from '../../operations/service.ts'
import { section } from './section.ts'

/** TFTP and HTTP for machines that boot from the network. Off unless it is configured. */
export default defineService({
  name: 'boot-files',
  config: section,
  pages: [{ path: '/boots', title: 'Boots', order: 55, load: () => import('./boots/page.ts') }],

  async check(context) {
    if (context.section === undefined) return []
    const { checkBootFiles } = await import('./check.ts')
    return checkBootFiles(context)
  },

  async start(context) {
    const { startBootFiles } = await import('./work.ts')
    // Beside this file, in the sources and in a built package.
    const program = new URL(import.meta.url.endsWith('.ts') ? './child.ts' : './child.js', import.meta.url)
    return startBootFiles(context, { program })
  },
})
