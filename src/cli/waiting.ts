import process from 'node:process'
import { output } from './output.ts'
import { type Options, reachOf } from './shell.ts'

/** The exit code of a process that a signal ended, as shells count: 128 and its number. */
const signals = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Waits for what the daemon does. Ctrl-C ends the command and not the work, which is said.
 *
 * @param goesOn what goes on, and how to follow and end it
 * @param shown what shows how far it is, until it is done
 */
export async function whileItRuns<T>(goesOn: string, work: () => Promise<T>, shown?: Disposable): Promise<T> {
  const leave = (name: NodeJS.Signals) => {
    shown?.[Symbol.dispose]()
    output.note('')
    output.note(`caretaker: ${goesOn}`)
    process.exit(signals[name as keyof typeof signals])
  }
  for (const name of Object.keys(signals)) process.on(name, leave)
  try {
    return await work()
  } finally {
    shown?.[Symbol.dispose]()
    for (const name of Object.keys(signals)) process.off(name, leave)
  }
}

/** Shows how far a job is while it is waited for; who asks for JSON gets the answer alone. */
export async function progressOf(options: Options, job: string): Promise<Disposable | undefined> {
  if (options.json) return undefined
  const { followWork } = await import('./work-progress.ts')
  return followWork(await reachOf(options), job)
}
