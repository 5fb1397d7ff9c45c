import type { UpsdMisbehaviour } from './misbehaviour.ts'
import { labUsers } from './upsd.ts'
import { encode } from './words.ts'

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
  /** FSD is set. */
  isForced: boolean
  /** What comes of each order, by its id. */
  readonly tracked: Map<string, string>
}

export type Permission = 'LOGIN' | 'PRIMARY' | 'FSD' | 'SET' | 'INSTCMD'

const permissions: Readonly<Record<keyof typeof labUsers, readonly Permission[]>> = {
  admin: ['FSD', 'SET', 'INSTCMD'],
  prim: ['LOGIN', 'PRIMARY', 'FSD'],
  monuser: ['LOGIN'],
}

export const invalid = 'ERR INVALID-ARGUMENT'
export const denied = 'ERR ACCESS-DENIED'

/** Whether the session's user may do this. */
export function may(isSynology: boolean, session: Session, permission: Permission): boolean {
  const { username = '', password = '' } = session
  const user = Object.entries(labUsers).find(([name, each]) => name === username && each.password === password)
  if (!user) return false
  const allowed =
    isSynology && username === 'monuser'
      ? permissions.prim
      : Object.entries(permissions).find(([name]) => name === username)?.[1]
  return allowed?.includes(permission) ?? false
}

/** An ERR that stands in the way of this UPS, if any: no such name, or no data of it. */
export function obstacle({ misbehaviour }: UpsdState, ups: string, needsData = true): string | undefined {
  if (ups.toLowerCase() !== 'ups') return 'ERR UNKNOWN-UPS'
  return needsData && misbehaviour.error ? `ERR ${misbehaviour.error}` : undefined
}

/** A variable's name as the driver spells it; undefined where there is none. */
export function nameOf({ variables }: UpsdState, variable: string): string | undefined {
  return [...variables.keys()].find((name) => name.toLowerCase() === variable.toLowerCase())
}

/** A variable's value as it is sent; `ups.status` begins with FSD where that is set. */
export function valueOf({ variables, isForced }: UpsdState, name: string): string {
  const value = variables.get(name) ?? ''
  return encode(isForced && name === 'ups.status' ? `FSD ${value}` : value)
}

export function isNumber({ variables }: UpsdState, name: string): boolean {
  return name.startsWith('driver.') || /^[\d.]+$/.test(variables.get(name) ?? '')
}

export function isReadOnly(name: string): boolean {
  return /^(driver|device)\./.test(name)
}

/** Those that upsd lists; `load.off` is always among them. */
export function instantCommandsOf({ instantCommands }: UpsdState): readonly string[] {
  return ['load.off', ...instantCommands]
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
