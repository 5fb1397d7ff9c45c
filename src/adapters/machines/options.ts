import { AgentError } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { createNames, type Names, type Resolve } from './names.ts'

/** The adapters' environment; tests replace it. */
export interface MachineOptions {
  readonly log?: Logger | undefined
  /** Where programs are looked for, as in PATH. */
  readonly searchPath?: string | undefined
  /** Answers a name's addresses; by default the system's way, with its hosts file. */
  readonly resolve?: Resolve | undefined
  readonly limits?: Partial<Limits> | undefined
  /** In how many ms a machine may be woken; at once where nothing is said. */
  readonly turns?: ((machine: string) => number) | undefined
}

/** In ms. */
export interface Limits {
  /** Until a machine that is probed counts as down. */
  readonly answers: number
  /** Until ssh has logged in: a server that looks up our name in a DNS that is down is slow. */
  readonly login: number
  /** Until a command has ended, from its start. */
  readonly command: number
  /** Until an HTTP answer's headers are there, from the beginning. */
  readonly http: number
  /** Until a name has resolved, or the addresses that it had are used. */
  readonly name: number
}

export interface Means {
  readonly names: Names
  readonly searchPath: string
  readonly limits: Limits
}

const usual: Limits = { answers: 3_000, login: 30_000, command: 60_000, http: 15_000, name: 2_000 }

/** Debian's and Alpine's folders, and NixOS' own. */
const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin'

export function meansOf({ searchPath = usualPath, resolve, limits }: MachineOptions): Means {
  const all = { ...usual, ...limits }
  return { names: createNames(all.name, resolve), searchPath, limits: all }
}

/** The error for an aborted call: its time was up, or it was cancelled. Both may be tried again. */
export function calledOff(doing: string, signal: AbortSignal): AgentError {
  const { name } = (signal.reason ?? {}) as { name?: unknown }
  return name === 'TimeoutError'
    ? new AgentError('timed-out', `${doing}: not done in time`, signal.reason)
    : new AgentError('unreachable', `${doing}: cancelled`, signal.reason)
}
