import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { readClientSettings } from '../config/state.ts'
import { chooseTimeZone } from '../core/time.ts'

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

/** A daemon as its clients need it. */
export interface DaemonPlace {
  /** Its control socket. */
  readonly socket: string
  /** The time zone of times that people read. */
  readonly zone: string
}

/** Finds the daemon of a configuration without checking the rest of it. Undefined if that fails or no socket exists. */
export async function findDaemon(
  named: string | undefined,
  environment: Environment,
): Promise<DaemonPlace | undefined> {
  const file = findConfigFile(named, environment)
  if (file === undefined) return undefined
  try {
    const settings = readClientSettings(await readFile(file, 'utf8'))
    if (settings === undefined) return undefined
    const socket = socketIn(resolve(dirname(resolve(file)), settings.state))
    return existsSync(socket) ? { socket, zone: chooseTimeZone(environment['TZ'], settings.timeZone) } : undefined
  } catch {
    return undefined
  }
}
