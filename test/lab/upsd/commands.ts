import { get, greetingOf, list } from './asking.ts'
import { instruct, set } from './ordering.ts'
import { denied, invalid, may, obstacle, type Session, type UpsdState } from './state.ts'

type Reply = string | string[]
type Command = (state: UpsdState, session: Session, words: readonly string[]) => Reply

const needUser = new Set(['LOGIN', 'PRIMARY', 'MASTER', 'FSD', 'SET', 'INSTCMD'])
const unknown = 'ERR UNKNOWN-COMMAND'
const helpLine = 'Commands: HELP VER GET LIST SET INSTCMD LOGIN LOGOUT USERNAME PASSWORD STARTTLS'

/** Answers a command of at least one word: server/{netuser,netget,netlist,netset}.c. */
export function answer(state: UpsdState, session: Session, [word = '', ...rest]: readonly string[]): Reply {
  const command = word.toUpperCase()
  const { accessList } = state.misbehaviour
  if (accessList && !accessList.includes(session.socket.remoteAddress ?? '')) return denied
  if (state.isSynology && ['PRIMARY', 'PROTVER'].includes(command)) return unknown
  if (needUser.has(command) && session.username === undefined) return 'ERR USERNAME-REQUIRED'
  if (needUser.has(command) && session.password === undefined) return 'ERR PASSWORD-REQUIRED'
  return commands[command]?.(state, session, rest) ?? unknown
}

/** A command that takes no words and says this. */
const saying =
  (text: (state: UpsdState) => string): Command =>
  (state, _, words) =>
    words.length > 0 ? invalid : text(state)
const versionOfProtocol = saying(({ isSynology }) => (isSynology ? '1.2' : '1.3'))

const commands: Readonly<Record<string, Command>> = {
  VER: saying(greetingOf),
  NETVER: versionOfProtocol,
  PROTVER: versionOfProtocol,
  HELP: saying(() => helpLine),
  STARTTLS: startTls,
  USERNAME: identify('username'),
  PASSWORD: identify('password'),
  LOGIN: logIn,
  LOGOUT: logOut,
  PRIMARY: grant('PRIMARY'),
  MASTER: grant('MASTER'),
  FSD: forceShutdown,
  GET: get,
  LIST: (state, _, words) => list(state, words),
  SET: set,
  INSTCMD: instruct,
}

function startTls({ hasTls }: UpsdState, session: Session): string {
  if (!hasTls) return 'ERR FEATURE-NOT-CONFIGURED'
  if (session.tls) return 'ERR ALREADY-SSL-MODE'
  session.tls = 'agreed'
  return 'OK STARTTLS'
}

function identify(what: 'username' | 'password'): Command {
  return (_, session, words) => {
    if (words.length !== 1) return invalid
    if (session[what] !== undefined) return `ERR ALREADY-SET-${what.toUpperCase()}`
    session[what] = words[0]!
    return 'OK'
  }
}

function logIn(state: UpsdState, session: Session, words: readonly string[]): string {
  if (words.length !== 1) return invalid
  if (session.isLoggedIn) return 'ERR ALREADY-LOGGED-IN'
  if (obstacle(state, words[0]!, false) !== undefined) return 'ERR UNKNOWN-UPS'
  if (!may(state.isSynology, session, 'LOGIN')) return denied
  session.isLoggedIn = true
  return 'OK'
}

function logOut({ isSynology }: UpsdState, session: Session, words: readonly string[]): string {
  if (words.length > 0) return invalid
  session.isLeaving = true
  return isSynology ? 'Goodbye...' : 'OK Goodbye'
}

/** The rights of a primary, under its new or its old name. */
function grant(name: 'PRIMARY' | 'MASTER'): Command {
  return (state, session, words) => {
    if (words.length !== 1) return invalid
    if (obstacle(state, words[0]!, false) !== undefined) return 'ERR UNKNOWN-UPS'
    if (!may(state.isSynology, session, 'PRIMARY')) return denied
    return state.isSynology ? 'OK' : `OK ${name}-GRANTED`
  }
}

function forceShutdown(state: UpsdState, session: Session, words: readonly string[]): string {
  if (words.length !== 1) return invalid
  if (obstacle(state, words[0]!, false) !== undefined) return 'ERR UNKNOWN-UPS'
  if (!may(state.isSynology, session, 'FSD')) return denied
  state.isForced = true
  return 'OK FSD-SET'
}
