import { areaOf, type Check } from './check.ts'

/**
 * What only follows from something that is wrong with the configuration is told once, by its line and column; what fails
 * because of it refers to that. A file that is missing would otherwise be told by everybody who needs it.
 */
export function foldConsequences(checks: readonly Check[]): readonly Check[] {
  const causes = checks
    .filter((check) => areaOf(check) === 'config' && check.verdict === 'failed')
    .map(({ id, reason }) => ({ id, core: coreOf(reason) }))
  return checks.map((check): Check => {
    if (check.verdict !== 'failed' || areaOf(check) === 'config') return check
    const cause = causes.find(
      ({ id, core }) => (core.length > 8 && check.reason.includes(core)) || isSchematic(check, id),
    )
    if (!cause) return check
    const { next: _, ...rest } = check
    return { ...rest, verdict: 'skipped', reason: `could not be tried: see ${cause.id}` }
  })
}

/** Of `caretaker.yaml:29:14: hosts.1.shutdown.ssh.key: /etc/key does not exist` the last part, which others say too. */
function coreOf(reason: string): string {
  return /^\S+:\d+:\d+: [\w.()-]+: (.*)$/.exec(reason)?.[1] ?? reason
}

/** A schematic without its file is unknown to everybody else. */
function isSchematic({ id, reason }: Check, cause: string): boolean {
  return id.startsWith('factory.schematic:') && reason.startsWith('there is no usable') && cause.endsWith('.schematic')
}
