import { AgentError, findError, messageOf } from '../core/errors.ts'
import { stuck } from '../core/job.ts'
import { OtherBytes } from '../core/release/known-bytes.ts'
import { ShareFull } from '../core/release/share-full.ts'
import { remembered } from './facts.ts'
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
        const outcome = await job.run(context)
        remembered.shareWaits.remember(context.ports.journal, undefined)
        return outcome
      } catch (error) {
        await noteWait(context, error)
        const held = findError(error, OtherBytes)
        if (!held) throw error
        return stuck(held.message)
      } finally {
        await reportShare(context)
      }
    },
  }
}

/**
 * Notes whether it was the share that failed, as it says itself just now: then it is watched, and staged on as soon as it can
 * be again. Where it says that nothing is wrong with it, another look would only fail once more.
 */
async function noteWait({ config, ports: { share, journal }, signal }: JobContext, error: unknown): Promise<void> {
  if (signal.aborted) return
  const needed = findError(error, ShareFull)?.needed
  const why = await share.whyNotWritable(needed).catch(messageOf)
  const waits = { directory: config.share.directory, ...(needed === undefined ? {} : { needed }) }
  remembered.shareWaits.remember(journal, why === undefined ? undefined : waits)
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
