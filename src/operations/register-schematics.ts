import { AgentError, messageOf } from '../core/errors.ts'
import {
  isToBeTold,
  isTold,
  type Registered,
  type Registration,
  registrationAfter,
} from '../core/release/registration.ts'
import { type RegisteredSchematic, schematicsInUse } from '../core/release/schematic.ts'
import { remembered } from './facts.ts'
import type { JobContext } from './job.ts'

/**
 * Every schematic is known to the Factory under an id of its own, which counts when an image is asked for, and the Factory
 * that nodes pull installers from must have been told it before one of them is upgraded. Answers why one is known to none:
 * that keeps no other image back.
 */
export async function registerSchematics(context: JobContext): Promise<AgentError | undefined> {
  const { config, ports, schematics, signal, now, alerts } = context
  const { factory, journal } = ports
  const { registry } = factory
  const known: Record<string, Registration> = { ...remembered.registrations.recall(journal) }
  const failed: AgentError[] = []
  const untold: string[] = []
  for (const name of schematicsInUse(config)) {
    try {
      const found = demand(schematics, name)
      const before = known[found.id]
      if (!isToBeTold(before, registry, now())) continue
      const answer = await registerOne(context, found, before)
      known[found.id] = registrationAfter(before, answer, { registry, now: now() })
      if (!isTold(known[found.id], registry))
        untold.push(`${registry} has not been told the schematic ${name}: ${answer.untold}`)
    } catch (error) {
      if (signal.aborted || !(error instanceof AgentError)) throw error
      failed.push(error)
    }
  }
  remembered.registrations.remember(journal, known)
  const text =
    untold.length === 0 ? undefined : `${untold.join('; ')}. No node that pulls its installer there is upgraded`
  alerts.report('factory.untold', text === undefined ? undefined : { severity: 'warning', subject: 'factory', text })
  return failed[0]
}

/** @throws AgentError `misconfigured` */
function demand(schematics: ReadonlyMap<string, RegisteredSchematic>, name: string): RegisteredSchematic {
  const found = schematics.get(name)
  if (found) return found
  throw new AgentError('misconfigured', `config/schematics/${name}.yaml is missing, or was never valid`)
}

/** What some Factory knows already is staged from it, also while none can be told once more. */
async function registerOne(
  { ports: { factory }, signal }: JobContext,
  { schematic }: RegisteredSchematic,
  before: Registration | undefined,
): Promise<Registered> {
  try {
    return await factory.register(schematic, signal)
  } catch (error) {
    if (!(error instanceof AgentError) || !error.retryable || before === undefined || signal.aborted) throw error
    return { id: before.id, untold: messageOf(error) }
  }
}
