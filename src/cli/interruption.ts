import process from 'node:process'

/** The end of a command that goes on until somebody ends it. */
export interface Interruption extends Disposable {
  /** Aborts at Ctrl-C and SIGTERM, when whoever reads closes the pipe (`| head`), and where `end` is called. */
  readonly signal: AbortSignal
  end(): void
}

export function createInterruption(): Interruption {
  const stop = new AbortController()
  const end = () => stop.abort()
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const name of signals) process.on(name, end)
  process.stdout.once('error', end)
  return {
    signal: stop.signal,
    end,
    [Symbol.dispose]: () => {
      end()
      for (const name of signals) process.off(name, end)
      process.stdout.off('error', end)
    },
  }
}
