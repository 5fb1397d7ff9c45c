import { AgentError } from '../../core/errors.ts'
import type { UpsDetails } from '../../core/power/ups-details.ts'
import type { NutConnection } from './connection.ts'
import { shownAfter } from './quoting.ts'
import { parseDriverPace } from './reading.ts'
import { isRefusal, notKnown, NutRefusal } from './refusal.ts'

/** Variables that a server is asked for one by one where it knows no LIST: those that most UPSes have (docs/nut-names.txt). */
const usual = [
  ...['mfr', 'model', 'serial', 'type'].map((name) => `device.${name}`),
  ...['name', 'version', 'parameter.pollinterval', 'parameter.pollfreq'].map((name) => `driver.${name}`),
  ...['status', 'alarm', 'load', 'realpower', 'temperature', 'test.result'].map((name) => `ups.${name}`),
  ...['charge', 'charge.low', 'runtime', 'runtime.low', 'voltage', 'date'].map((name) => `battery.${name}`),
  'input.voltage',
  'input.frequency',
  'output.voltage',
]

/** Sends all commands at once. `ups` is the name as it is sent; what a server does not support is left out. */
export async function readDetails(nut: NutConnection, ups: string, at: string): Promise<Omit<UpsDetails, 'secure'>> {
  const [variables, commands, writable, clients, logins, server, protocol] = await Promise.all([
    allVariables(nut, ups),
    orNothing(nut.list(`LIST CMD ${ups}`)),
    orNothing(nut.list(`LIST RW ${ups}`)),
    orNothing(nut.list(`LIST CLIENT ${ups}`)),
    orNothing(numLogins(nut, ups, at)),
    orNothing(nut.ask('VER')),
    orNothing(nut.ask('NETVER')),
  ])
  const driver = parseDriverPace(variables)
  const names = (list: readonly (readonly string[])[] = []) => list.map((words) => words[2] ?? '')
  return {
    variables,
    writable: names(writable),
    commands: names(commands),
    clients: names(clients),
    ...(logins === undefined ? {} : { numLogins: logins }),
    ...(server === undefined ? {} : { server: server.join(' ') }),
    ...(protocol === undefined ? {} : { protocol: protocol.join(' ') }),
    ...(driver === undefined ? {} : { driver }),
  }
}

async function allVariables(nut: NutConnection, ups: string): Promise<Readonly<Record<string, string>>> {
  const list = await nut.listLines(`LIST VAR ${ups}`).catch(async (error: unknown) => {
    if (!isRefusal(error, ...notKnown)) throw error
    const asked = await Promise.all(usual.map((name) => orNothing(nut.askLine(`GET VAR ${ups} ${name}`))))
    const found = asked.filter((line) => line !== undefined)
    if (found.length === 0) throw error
    return found
  })
  return Object.fromEntries(list.map(({ words, text }) => [words[2] ?? '', shownAfter(3, text)]))
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
