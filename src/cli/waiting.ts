import process from 'node:process'
import { output } from './output.ts'

/** The exit code of a process that a signal ended, as shells count: 128 and its number. */
const signals = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Waits for what the daemon does. Ctrl-C ends the command and not the work, which is said.
 *
 * @param goesOn what goes on, and how to follow and end it
 */
export async function whileItRuns<T>(goesOn: string, work: () => Promise<T>): Promise<T> {
  const leave = (name: NodeJS.Signals) => {
    output.note('')
    output.note(`caretaker: ${goesOn}`)
    process.exit(signals[name as keyof typeof signals])
  }
  for (const name of Object.keys(signals)) process.on(name, leave)
  try {
    return await work()
  } finally {
    for (const name of Object.keys(signals)) process.off(name, leave)
  }
}
