import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { readState } from '../config/state.ts'

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

/**
 * Where the daemon of this configuration listens, if that can be told without checking the configuration: that is the
 * daemon's matter. Undefined where it can't, or nothing is there.
 */
export async function findSocket(named: string | undefined, environment: Environment): Promise<string | undefined> {
  const file = findConfigFile(named, environment)
  if (file === undefined) return undefined
  try {
    const state = readState(await readFile(file, 'utf8'))
    const socket = state === undefined ? undefined : socketIn(resolve(dirname(resolve(file)), state))
    return socket !== undefined && existsSync(socket) ? socket : undefined
  } catch {
    return undefined
  }
}
