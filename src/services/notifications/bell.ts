/** Wakes whoever waits: for a while, until it rings, or until a signal aborts, whichever comes first. */
export interface Bell {
  ring(): void
  /** Without `ms` until it rings. Never rejects; one that rang since the last wait ends at once. */
  wait(ms: number | undefined, signal: AbortSignal): Promise<void>
}

/** In ms: what timers take (Node.js, `setTimeout`). */
const longestTimer = 2 ** 31 - 1

export function createBell(): Bell {
  let hasRung = false
  let waking: (() => void) | undefined
  return {
    ring: () => {
      hasRung = true
      waking?.()
    },
    wait: (ms, signal) =>
      new Promise((resolve) => {
        const timer = ms === undefined ? undefined : setTimeout(end, Math.min(Math.max(0, ms), longestTimer))
        function end() {
          clearTimeout(timer)
          signal.removeEventListener('abort', end)
          waking = undefined
          hasRung = false
          resolve()
        }
        waking = end
        signal.addEventListener('abort', end, { once: true })
        if (hasRung || signal.aborted) end()
      }),
  }
}
