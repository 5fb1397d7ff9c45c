import { randomUUID } from 'node:crypto'
import type { UpsdMisbehaviour } from './misbehaviour.ts'
import { encode } from './words.ts'
import { labUsers, upsDescription } from './upsd.ts'

/** What upsd knows of a connection. */
export interface Session {
  readonly socket: { readonly remoteAddress?: string | undefined }
  username?: string
  password?: string
  isLoggedIn: boolean
  isTracking: boolean
  isLeaving: boolean
  /** 'agreed' between OK STARTTLS and the handshake. */
  tls?: 'agreed' | 'on'
}

/** What upsd answers from. */
export interface UpsdState {
  readonly isSynology: boolean
  readonly version: string
  readonly hasTls: boolean
  /** `load.off`, which dummy-ups lists and does not know, is always among them. */
  readonly instantCommands: readonly string[]
  readonly misbehaviour: UpsdMisbehaviour
  readonly sessions: ReadonlySet<Session>
  readonly variables: Map<string, string>
  isForced: boolean
}

type Permission = 'LOGIN' | 'PRIMARY' | 'FSD' | 'SET' | 'INSTCMD'

const permissions: Readonly<Record<keyof typeof labUsers, readonly Permission[]>> = {
  admin: ['FSD', 'SET', 'INSTCMD'],
  prim: ['LOGIN', 'PRIMARY', 'FSD'],
  monuser: ['LOGIN'],
}
const needUser = new Set(['LOGIN', 'PRIMARY', 'MASTER', 'FSD', 'SET', 'INSTCMD'])
const descriptions: Readonly<Record<string, string>> = {
  'battery.charge': 'Battery charge (percent of full)',
  'battery.runtime': 'Battery runtime (seconds)',
  'ups.status': 'UPS status',
  'load.off': 'Turn off the load immediately',
}

const invalid = 'ERR INVALID-ARGUMENT'
const denied = 'ERR ACCESS-DENIED'
const helpLine = 'Commands: HELP VER GET LIST SET INSTCMD LOGIN LOGOUT USERNAME PASSWORD STARTTLS'

/** Answers a command of at least one word: server/{netuser,netget,netlist,netset}.c. */
export function createCommands(state: UpsdState): (session: Session, words: readonly string[]) => string | string[] {
  const { isSynology, version, misbehaviour, sessions, variables } = state
  const instantCommands = ['load.off', ...state.instantCommands]
  /** What comes of each order, by its id. */
  const tracked = new Map<string, string>()

  const may = ({ username = '', password = '' }: Session, permission: Permission): boolean => {
    const user = Object.entries(labUsers).find(([name, each]) => name === username && each.password === password)
    if (!user) return false
    const allowed =
      isSynology && username === 'monuser'
        ? permissions.prim
        : Object.entries(permissions).find(([name]) => name === username)?.[1]
    return allowed?.includes(permission) ?? false
  }
  const nameOf = (variable: string): string | undefined =>
    [...variables.keys()].find((name) => name.toLowerCase() === variable.toLowerCase())
  const isNumber = (name: string): boolean => name.startsWith('driver.') || /^[\d.]+$/.test(variables.get(name) ?? '')
  const valueOf = (name: string): string => {
    const value = variables.get(name) ?? ''
    return encode(state.isForced && name === 'ups.status' ? `FSD ${value}` : value)
  }
  /** An ERR that stands in the way of this UPS, if any: no such name, or no data of it. */
  const obstacle = (ups: string, needsData = true): string | undefined => {
    if (ups.toLowerCase() !== 'ups') return 'ERR UNKNOWN-UPS'
    return needsData && misbehaviour.error ? `ERR ${misbehaviour.error}` : undefined
  }
  const accepted = (session: Session, outcome = 'SUCCESS'): string => {
    if (!session.isTracking) return 'OK'
    const id = randomUUID().toUpperCase()
    tracked.set(id, outcome)
    return `OK TRACKING ${id}`
  }

  function answer(session: Session, words: readonly string[]): string | string[] {
    const [word = '', ...rest] = words
    const command = word.toUpperCase()
    const { accessList } = misbehaviour
    if (accessList && !accessList.includes(session.socket.remoteAddress ?? '')) return 'ERR ACCESS-DENIED'
    const isUnknown = isSynology ? ['PRIMARY', 'PROTVER'].includes(command) : false
    if (isUnknown) return 'ERR UNKNOWN-COMMAND'
    if (needUser.has(command) && session.username === undefined) return 'ERR USERNAME-REQUIRED'
    if (needUser.has(command) && session.password === undefined) return 'ERR PASSWORD-REQUIRED'
    const [first = '', second = ''] = rest
    switch (command) {
      case 'VER':
        return rest.length > 0 ? invalid : `Network UPS Tools upsd ${version} - http://www.networkupstools.org/`
      case 'NETVER':
      case 'PROTVER':
        return rest.length > 0 ? invalid : isSynology ? '1.2' : '1.3'
      case 'HELP':
        return rest.length > 0 ? invalid : helpLine
      case 'STARTTLS':
        if (!state.hasTls) return 'ERR FEATURE-NOT-CONFIGURED'
        if (session.tls) return 'ERR ALREADY-SSL-MODE'
        session.tls = 'agreed'
        return 'OK STARTTLS'
      case 'USERNAME':
        if (rest.length !== 1) return invalid
        if (session.username !== undefined) return 'ERR ALREADY-SET-USERNAME'
        session.username = first
        return 'OK'
      case 'PASSWORD':
        if (rest.length !== 1) return invalid
        if (session.password !== undefined) return 'ERR ALREADY-SET-PASSWORD'
        session.password = first
        return 'OK'
      case 'LOGIN':
        if (rest.length !== 1) return invalid
        if (session.isLoggedIn) return 'ERR ALREADY-LOGGED-IN'
        if (obstacle(first, false) !== undefined) return 'ERR UNKNOWN-UPS'
        if (!may(session, 'LOGIN')) return denied
        session.isLoggedIn = true
        return 'OK'
      case 'LOGOUT':
        if (rest.length > 0) return invalid
        session.isLeaving = true
        return isSynology ? 'Goodbye...' : 'OK Goodbye'
      case 'PRIMARY':
      case 'MASTER':
      case 'FSD':
        if (rest.length !== 1) return invalid
        if (obstacle(first, false) !== undefined) return 'ERR UNKNOWN-UPS'
        if (!may(session, command === 'FSD' ? 'FSD' : 'PRIMARY')) return denied
        if (command !== 'FSD') return isSynology ? 'OK' : `OK ${command}-GRANTED`
        state.isForced = true
        return 'OK FSD-SET'
      case 'GET':
        return get(session, rest)
      case 'LIST':
        return list(rest)
      case 'SET':
        return set(session, rest)
      case 'INSTCMD':
        if (rest.length < 2) return invalid
        if (obstacle(first) !== undefined) return obstacle(first) ?? invalid
        if (!instantCommands.includes(second.toLowerCase())) return 'ERR CMD-NOT-SUPPORTED'
        if (!may(session, 'INSTCMD')) return denied
        return accepted(session, second.toLowerCase() === 'load.off' ? 'ERR UNKNOWN' : 'SUCCESS')
      default:
        return 'ERR UNKNOWN-COMMAND'
    }
  }

  function get(session: Session, [what = '', ups, variable]: readonly string[]): string {
    const kind = what.toUpperCase()
    if (kind === 'TRACKING' && !isSynology) {
      if (ups === undefined) return session.isTracking ? 'ON' : 'OFF'
      if (!session.isTracking) return 'ERR FEATURE-NOT-CONFIGURED'
      return misbehaviour.tracking.shift() ?? tracked.get(ups) ?? 'ERR UNKNOWN'
    }
    if (ups === undefined) return invalid
    if (kind === 'NUMLOGINS') return obstacle(ups) ?? `NUMLOGINS ${ups} ${loggedIn(sessions).length}`
    if (kind === 'UPSDESC') return obstacle(ups, false) ?? `UPSDESC ${ups} "${encode(upsDescription)}"`
    if (variable === undefined) return invalid
    if (kind === 'VAR' && /^server\./i.test(variable)) {
      if (/^server\.version$/i.test(variable)) return `VAR ${ups} server.version "${version}"`
      const info = `Network UPS Tools upsd ${version} - http://www.networkupstools.org/`
      return /^server\.info$/i.test(variable) ? `VAR ${ups} server.info "${info}"` : 'ERR VAR-NOT-SUPPORTED'
    }
    if (!['VAR', 'TYPE', 'DESC', 'CMDDESC'].includes(kind)) return invalid
    const blocked = obstacle(ups)
    if (blocked !== undefined) return blocked
    // The reply has the client's own spelling of the names.
    if (kind.endsWith('DESC'))
      return `${kind} ${ups} ${variable} "${descriptions[variable] ?? 'Description unavailable'}"`
    const name = nameOf(variable)
    if (name === undefined) return 'ERR VAR-NOT-SUPPORTED'
    if (kind === 'VAR') return `VAR ${ups} ${variable} "${valueOf(name)}"`
    const writable = isReadOnly(name) ? '' : ' RW'
    return `TYPE ${ups} ${variable}${writable} ${isNumber(name) ? 'NUMBER' : 'STRING:32'}`
  }

  function list([what = '', ups, variable]: readonly string[]): string | string[] {
    const kind = what.toUpperCase()
    if (kind === 'UPS') return ['BEGIN LIST UPS', `UPS ups "${encode(upsDescription)}"`, 'END LIST UPS']
    if (ups === undefined) return invalid
    const names = [...variables.keys()].toSorted()
    const lines: Readonly<Record<string, () => string[]>> = {
      VAR: () => names.map((name) => `VAR ${ups} ${name} "${valueOf(name)}"`),
      // Without FSD: it is no value of the driver's.
      RW: () =>
        names
          .filter((name) => !isReadOnly(name))
          .map((name) => `RW ${ups} ${name} "${encode(variables.get(name) ?? '')}"`),
      CMD: () => instantCommands.map((each) => `CMD ${ups} ${each}`),
      CLIENT: () => loggedIn(sessions).map(({ socket }) => `CLIENT ups ${socket.remoteAddress ?? ''}`),
      ENUM: () => [],
      RANGE: () => [],
    }
    const make = lines[kind]
    const isOfVariable = kind === 'ENUM' || kind === 'RANGE'
    if (!make || (isOfVariable && variable === undefined)) return invalid
    const blocked = obstacle(ups, kind !== 'CLIENT')
    if (blocked !== undefined) return blocked
    if (isOfVariable && nameOf(variable ?? '') === undefined) return 'ERR VAR-NOT-SUPPORTED'
    const subject = isOfVariable ? `${kind} ${ups} ${variable}` : `${kind} ${ups}`
    return [`BEGIN LIST ${subject}`, ...make(), `END LIST ${subject}`]
  }

  function set(session: Session, [what = '', ups = '', variable = '', value]: readonly string[]): string {
    const kind = what.toUpperCase()
    if (kind === 'TRACKING' && !isSynology) {
      if (!/^(on|off)$/i.test(ups)) return invalid
      session.isTracking = ups.toUpperCase() === 'ON'
      return 'OK'
    }
    if (kind !== 'VAR' || value === undefined) return invalid
    const blocked = obstacle(ups)
    if (blocked !== undefined) return blocked
    if (!may(session, 'SET')) return denied
    const name = nameOf(variable)
    if (name === undefined) return 'ERR VAR-NOT-SUPPORTED'
    if (isReadOnly(name)) return 'ERR READONLY'
    if (!isNumber(name) && value.length > 32) return 'ERR TOO-LONG'
    change(variables, name, value)
    return accepted(session)
  }

  return answer
}

/** Who said LOGIN and is still there, the latest first. */
export function loggedIn(sessions: ReadonlySet<Session>): Session[] {
  return [...sessions].filter(({ isLoggedIn }) => isLoggedIn).toReversed()
}

/** Sets a variable, or removes it, as an empty value does. */
export function change(variables: Map<string, string>, name: string, value: string): void {
  if (value === '') variables.delete(name)
  else variables.set(name, value)
}

function isReadOnly(name: string): boolean {
  return /^(driver|device)\./.test(name)
}
