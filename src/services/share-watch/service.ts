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
      tell: ({ away, changed }) => {
        alerts.report('share.away', away)
        alerts.report('share.changed', together([...changed.values()]))
      },
      changed: (file) => emit({ type: 'share.changed', file }),
      signal,
    })
    return { ended, [Symbol.asyncDispose]: () => ended }
  },
})
