import { AgentError } from '../../core/errors.ts'
import type { NutConnection } from './connection.ts'
import { NutRefusal } from './refusal.ts'

/** Everything that upsd reports about a UPS. */
export interface UpsDetails {
  readonly variables: Readonly<Record<string, string>>
  /** The names of those that can be set. */
  readonly writable: readonly string[]
  /** Instant commands. */
  readonly commands: readonly string[]
  /** Addresses of those who are logged in. Empty where the server is older than NUT 2.6.4. */
  readonly clients: readonly string[]
  /** How many are logged in; undefined where the server does not report it. */
  readonly numLogins?: number
  /** The server's version string: `Network UPS Tools upsd 2.8.0 - …`. Appliances have their own. */
  readonly server?: string
  /** 1.2 from NUT 2.6.4 on, 1.3 from 2.8.0 on; undefined before. */
  readonly protocol?: string
}

/** Sends all commands at once. `ups` is the quoted name; what an older server does not support is left out. */
export async function readDetails(nut: NutConnection, ups: string, at: string): Promise<UpsDetails> {
  const [variables, commands, writable, clients, logins, server, protocol] = await Promise.all([
    nut.list(`LIST VAR ${ups}`),
    nut.list(`LIST CMD ${ups}`),
    orNothing(nut.list(`LIST RW ${ups}`)),
    orNothing(nut.list(`LIST CLIENT ${ups}`)),
    orNothing(numLogins(nut, ups, at)),
    orNothing(nut.ask('VER')),
    orNothing(nut.ask('NETVER')),
  ])
  const names = (list: readonly (readonly string[])[] = []) => list.map((words) => words[2] ?? '')
  return {
    variables: Object.fromEntries(variables.map((words) => [words[2] ?? '', words[3] ?? ''])),
    writable: names(writable),
    commands: names(commands),
    clients: names(clients),
    ...(logins === undefined ? {} : { numLogins: logins }),
    ...(server === undefined ? {} : { server: server.join(' ') }),
    ...(protocol === undefined ? {} : { protocol: protocol.join(' ') }),
  }
}

/** How many clients are logged in, ourselves among them. */
export async function numLogins(nut: NutConnection, ups: string, at: string): Promise<number> {
  const words = await nut.ask(`GET NUMLOGINS ${ups}`)
  const count = Number(words[2])
  if (words[0]?.toUpperCase() === 'NUMLOGINS' && words.length === 3 && Number.isInteger(count) && count >= 0)
    return count
  throw new AgentError('malformed', `upsd at ${at} answers GET NUMLOGINS with: ${words.join(' ').slice(0, 80)}`)
}

async function orNothing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof NutRefusal) return undefined
    throw error
  }
}
