import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { defaultState, lineOf } from '../config/state-line.ts'
import { findRuntimeSocket } from './runtime-socket.ts'

type Environment = Readonly<Record<string, string | undefined>>

export const defaultFiles = ['config/caretaker.yaml', '/etc/caretaker/caretaker.yaml']

/** The file that is named, else $CARETAKER_CONFIG, else the first default that exists; undefined where there is none. */
export function findConfigFile(named: string | undefined, environment: Environment): string | undefined {
  return named ?? (environment['CARETAKER_CONFIG'] || undefined) ?? defaultFiles.find((file) => existsSync(file))
}

/** The control socket of a state directory. */
export function socketIn(state: string): string {
  return join(state, 'control.sock')
}

/** The socket of the daemon of this state directory. One elsewhere is newer: whoever opens it here removes that. */
export function socketOf(state: string, environment: Environment): string | undefined {
  const inside = existsSync(socketIn(state)) ? socketIn(state) : undefined
  return findRuntimeSocket(state, environment) ?? inside
}

/**
 * The socket of a configuration's daemon as a line of the file says, without reading it as YAML: for whoever needs an
 * answer at once or none, as completion does. Undefined where there is no socket, or no such file. Never throws.
 */
export function findSocketAtOnce(named: string | undefined, environment: Environment): string | undefined {
  try {
    const file = resolve(findConfigFile(named, environment) ?? defaultFiles.at(-1)!)
    const state = lineOf(readFileSync(file, 'utf8'), /^state/) ?? defaultState
    return socketOf(resolve(dirname(file), state), environment)
  } catch {
    return undefined
  }
}
