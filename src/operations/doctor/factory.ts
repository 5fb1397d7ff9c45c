import { about, failed, type Finding, ok, skipped, warning } from '../../core/doctor/check.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { Registered } from '../../core/release/registration.ts'
import { schematicsInUse } from '../../core/release/schematic.ts'
import type { Look, Means } from './look.ts'

/** The Image Factory, and the schematics that images are built from. */
export function factoryLooks({ context }: Means): readonly Look[] {
  const { config, ports, schematics } = context
  const { factory } = ports
  const used = schematicsInUse(config)
  return [
    {
      id: 'factory.reach',
      subject: 'factory',
      within: 20_000,
      look: async (signal) => {
        const versions = await factory.versions(signal).catch((error: unknown) => messageOf(error))
        const finding =
          typeof versions === 'string'
            ? failed(versions, 'Check factory.url, and the way to the internet from this machine')
            : versions.length === 0
              ? warning('offers no release', 'Check factory.url')
              : ok(`offers ${versions.length} releases, the newest ${versions.at(-1)}`)
        return [about('factory.reach', 'factory', finding)]
      },
    },
    ...[...used].map((name): Look => {
      const id = `factory.schematic:${name}`
      return {
        id,
        subject: name,
        within: 20_000,
        look: async (signal) => {
          const known = schematics.get(name)
          if (!known)
            return [
              about(
                id,
                name,
                failed(`there is no usable schematic ${name}`, `Write schematics/${name}.yaml beside caretaker.yaml`),
              ),
            ]
          const told = await factory.register(known.schematic, signal).catch((error: unknown) => error)
          if (told instanceof AgentError && told.retryable)
            return [about(id, name, skipped('the Factory could not be asked: see factory.reach'))]
          if (told instanceof Error)
            return [
              about(
                id,
                name,
                failed(`the Factory does not take it: ${messageOf(told)}`, `Correct schematics/${name}.yaml`),
              ),
            ]
          return [about(id, name, judgeRegistered(known.id, told as Registered, factory.registry))]
        },
      }
    }),
  ]
}

/** `own`: as we compute it. `registry`: where nodes pull installers from. */
function judgeRegistered(own: string, { id, untold }: Registered, registry: string): Finding {
  if (untold !== undefined)
    return warning(
      `only a fallback knows it: ${untold}`,
      `No node is upgraded to it before ${registry} knows it, where installers are pulled from`,
    )
  return id === own
    ? ok(`the Factory knows it as ${own.slice(0, 12)}…`)
    : warning(
        `the Factory knows it as ${id.slice(0, 12)}…, and it is ${own.slice(0, 12)}… by our own count: the Factory's counts`,
      )
}
