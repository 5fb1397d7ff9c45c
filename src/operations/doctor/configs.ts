import { about, failed, type Finding, ok, warning } from '../../core/doctor/check.ts'
import { messageOf } from '../../core/errors.ts'
import type { Look, Means } from './look.ts'

/** The configurations that the machines of machines.yaml would get: each is made, judged as a node would, and thrown away. */
export function configLooks({ context }: Means): readonly Look[] {
  const { configs } = context.ports.doctor ?? {}
  return (configs?.names() ?? []).map((name): Look => {
    const id = `machines.config:${name}`
    return { id, subject: name, within: 20_000, look: async () => [about(id, name, await findingOf(name))] }
  })

  async function findingOf(name: string): Promise<Finding> {
    const action = `Edit the files in machines/; \`caretaker machine render ${name}\` shows what it would get`
    try {
      const warnings = await configs!.check(name)
      return warnings.length === 0
        ? ok('its machine configuration can be made, and a node would take it')
        : warning(warnings.join('; '), action)
    } catch (error) {
      return failed(messageOf(error).split('\n').join('; '), action)
    }
  }
}
