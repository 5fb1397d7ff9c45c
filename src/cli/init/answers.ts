import { AgentError } from '../../core/errors.ts'
import { type UpgradeTimes, upgradeTimes } from '../../core/setup/choices.ts'
import { flag, listOf, mapOf, object, oneOf, optional, type Shape, text } from '../../core/shape.ts'
import { nearest } from '../../core/spelling.ts'
import { openYaml, parseYaml } from '../../yaml.ts'

/** What was said without being asked: by options, or as answers on stdin. Paths are relative to the working directory. */
export interface Given {
  readonly name?: string
  readonly talosconfig?: string
  readonly context?: string
  readonly kubeconfig?: string
  /** Copies talosconfig and kubeconfig beside the configuration. */
  readonly copy?: boolean
  /** Servers of UPSes: `192.168.0.6`, `nas.lan:3493`. */
  readonly ups?: readonly string[]
  readonly upsUser?: string
  readonly upsPassword?: string
  readonly upsPasswordFile?: string
  readonly upsPasswordEnv?: string
  /** By machine, the labels of the UPSes that feed it. */
  readonly feeds?: Readonly<Record<string, readonly string[]>>
  readonly share?: string
  /** The TFTP server that serves it. */
  readonly tftp?: string
  readonly factory?: string
  readonly schematic?: string
  readonly upgrades?: UpgradeTimes
  readonly timeZone?: string
  readonly state?: string
}

const oneOrMany: Shape<readonly string[]> = (value, at) => listOf(text)(typeof value === 'string' ? [value] : value, at)

const fields = {
  name: optional(text),
  talosconfig: optional(text),
  context: optional(text),
  kubeconfig: optional(text),
  copy: optional(flag),
  ups: optional(oneOrMany),
  upsUser: optional(text),
  upsPassword: optional(text),
  upsPasswordFile: optional(text),
  upsPasswordEnv: optional(text),
  feeds: optional(mapOf(oneOrMany)),
  share: optional(text),
  tftp: optional(text),
  factory: optional(text),
  schematic: optional(text),
  upgrades: optional(oneOf<UpgradeTimes>({ weekends: true, nights: true, always: true, never: true })),
  timeZone: optional(text),
  state: optional(text),
}

export const answerNames: readonly string[] = Object.keys(fields)

/** Answers as JSON or YAML. @throws AgentError `misconfigured`, which names what is wrong, and no password */
export function parseAnswers(written: string, where: string): Given {
  const wrong = (why: string) => new AgentError('misconfigured', `${where}: ${why}`)
  const { faults } = openYaml(written)
  if (faults[0]) throw wrong(`line ${faults[0].line}, column ${faults[0].column}: ${faults[0].words}`)
  const value = parseYaml(written, where)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(`answers are a mapping such as {talosconfig: FILE, share: DIR}; it can have ${answerNames.join(', ')}`)
  for (const key of Object.keys(value)) {
    if (answerNames.includes(key)) continue
    const near = nearest(key, answerNames)
    const shown = /^[A-Za-z]{1,40}$/.test(key) ? key : 'a key'
    throw wrong(
      `${shown} is not an answer; ${near === undefined ? `it can have ${answerNames.join(', ')}` : `did you mean ${near}?`}`,
    )
  }
  try {
    return object<Given>(fields)(value, 'it')
  } catch (error) {
    throw error instanceof AgentError ? wrong(error.message.replace(/^it\./, '')) : error
  }
}

export function isUpgradeTimes(said: string): said is UpgradeTimes {
  return (upgradeTimes as readonly string[]).includes(said)
}
