import { access, constants } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AgentError, messageOf } from '../core/errors.ts'

/** Whether files can be made in a folder, or the folder itself where there is none yet. @throws AgentError `misconfigured` */
export async function demandWritable(folder: string, advice: string): Promise<void> {
  for (let at = folder; ; at = dirname(at)) {
    try {
      await access(at, constants.W_OK)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && dirname(at) !== at) continue
      throw new AgentError('misconfigured', `${at} can't be written to (${messageOf(error)}): ${advice}`, error)
    }
  }
}
