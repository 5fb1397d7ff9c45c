import { setImmediate } from 'node:timers/promises'
import type { ChannelMeans } from '../../../src/services/notifications/channel.ts'
import { AgentError } from '../../../src/core/errors.ts'
import type { Logger } from '../../../src/core/log.ts'

export interface TestMeans extends ChannelMeans {
  /** Lines of the log, with their level: `warn phone: …`. */
  readonly lines: readonly string[]
  /** What it waited for, in ms; no wait lasts. */
  readonly waits: readonly number[]
  /** Reported about buttons, in its order. */
  readonly faults: readonly (string | undefined)[]
}

/** The means of a channel called `phone`; secrets by the names of their files. */
export function meansWith(secrets: Readonly<Record<string, string>> = {}, now = () => new Date()): TestMeans {
  const lines: string[] = []
  const waits: number[] = []
  const faults: (string | undefined)[] = []
  const at = (level: string) => (_: object, message: string) => void lines.push(`${level} ${message}`)
  const log: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  }
  return {
    name: 'phone',
    files: {
      path: (relative) => relative,
      state: '/state',
      schematics: '/schematics',
      searchPath: '',
      readSecret: async (source, what) => {
        const secret = 'file' in source ? secrets[source.file] : undefined
        if (secret === undefined) throw new AgentError('misconfigured', `${what}: there is no such file`)
        return secret
      },
      parseSchematic: () => {
        throw new Error('no channel reads a schematic')
      },
    },
    log,
    lines,
    waits,
    faults,
    buttonsFail: (why) => void faults.push(why),
    worst: () => undefined,
    now,
    pause: async (ms) => {
      waits.push(ms)
      await setImmediate()
    },
  }
}
