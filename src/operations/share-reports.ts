import { AgentError, messageOf } from '../core/errors.ts'
import { stuck } from '../core/job.ts'
import { OtherBytes } from '../core/release/known-bytes.ts'
import type { Job, JobContext } from './job.ts'
import { reportHeld } from './known-bytes.ts'
import { reportServed } from './verify-share.ts'

/** In ms: the boot server is on the same network. */
const readBackWithin = 20_000

/**
 * A job that stages images, with the alerts that follow from what it has left on the share: images that are kept apart,
 * and what machines get. Where an image is kept apart it is stuck, until a person accepts it.
 */
export function reportingShare(job: Job): Job {
  return {
    ...job,
    run: async (context) => {
      try {
        return await job.run(context)
      } catch (error) {
        const held = findOtherBytes(error)
        if (!held) throw error
        return stuck(held.message)
      } finally {
        await reportShare(context)
      }
    },
  }
}

function findOtherBytes(error: unknown): OtherBytes | undefined {
  if (error instanceof OtherBytes) return error
  return error instanceof Error && error.cause !== undefined ? findOtherBytes(error.cause) : undefined
}

async function reportShare({ alerts, ports, signal, log, now }: JobContext): Promise<void> {
  reportHeld(alerts, ports.journal, now())
  const means = {
    ports,
    signal: AbortSignal.any([signal, AbortSignal.timeout(readBackWithin)]),
  }
  await reportServed(alerts, means).catch((error: unknown) => {
    if (signal.aborted) return
    if (!(error instanceof AgentError) && !means.signal.aborted) throw error
    log.warn({ reason: messageOf(error) }, 'what machines boot was not read back')
  })
}
