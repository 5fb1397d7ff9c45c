import { join } from 'node:path'
import { AgentError } from '../core/errors.ts'
import { answerOf, createClient } from './client.ts'

/** In ms: how long a daemon that runs may take to say so. */
const answersWithin = 3_000

/** The daemon of a state directory, as it says of itself. Undefined where none answers. */
export async function askDaemon(
  state: string,
): Promise<{ readonly pid: number; readonly running: readonly string[] } | undefined> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new AgentError('timed-out', 'no answer')), answersWithin).unref()
  })
  try {
    const client = createClient({ socketPath: join(state, 'control.sock') })
    const { pid, services } = await Promise.race([answerOf(client.status.$get()), late])
    return { pid, running: services.filter((one) => one.state === 'running').map(({ name }) => name) }
  } catch {
    return undefined
  }
}
