import type { AlertContent } from '../../core/alert.ts'
import { remembered } from '../../operations/facts.ts'
import { defineService } from '../../operations/service.ts'

/** One alert for all files: whoever writes there writes more than one. */
function together(contents: readonly AlertContent[]): AlertContent | undefined {
  const [first] = contents
  return first && { ...first, text: contents.map(({ text }) => text).join('; ') }
}

/** Looks at what machines boot from, for as long as the daemon runs: by polling, as no kernel tells of changes by others. */
export default defineService({
  name: 'share-watch',

  async start({ config, ports, alerts, emit, signal }) {
    const { watchShare } = await import('./watch.ts')
    const { journal, share } = ports
    const ended = watchShare({
      names: () => share.names(),
      settings: () => config().share,
      used: (directory) => {
        const used = remembered.shareUsed.recall(journal)
        return used?.directory === directory ? used.names : 0
      },
      waits: (directory) => {
        const waits = remembered.shareWaits.recall(journal)
        return waits?.directory === directory ? waits : undefined
      },
      whyNotWritable: (needed) => share.whyNotWritable(needed),
      tell: ({ away, changed }) => {
        alerts.report('share.away', away)
        alerts.report('share.changed', together([...changed.values()]))
      },
      changed: (file) => emit({ type: 'share.changed', file }),
      returned: async () => {
        // Noted anew where the next staging fails as well.
        remembered.shareWaits.remember(journal, undefined)
        await emit({ type: 'share.returned' })
      },
      signal,
    })
    return { ended, [Symbol.asyncDispose]: () => ended }
  },
})
