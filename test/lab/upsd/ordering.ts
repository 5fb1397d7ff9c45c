import { randomUUID } from 'node:crypto'
import {
  change,
  denied,
  instantCommandsOf,
  invalid,
  isNumber,
  isReadOnly,
  may,
  nameOf,
  obstacle,
  type Session,
  type UpsdState,
} from './state.ts'

/** SET: server/netset.c. */
export function set(state: UpsdState, session: Session, words: readonly string[]): string {
  const [what = '', ups = '', variable = '', value] = words
  const kind = what.toUpperCase()
  if (kind === 'TRACKING' && !state.isSynology) {
    if (!/^(on|off)$/i.test(ups)) return invalid
    session.isTracking = ups.toUpperCase() === 'ON'
    return 'OK'
  }
  if (kind !== 'VAR' || value === undefined) return invalid
  const blocked = obstacle(state, ups)
  if (blocked !== undefined) return blocked
  if (!may(state.isSynology, session, 'SET')) return denied
  const name = nameOf(state, variable)
  if (name === undefined) return 'ERR VAR-NOT-SUPPORTED'
  if (isReadOnly(name)) return 'ERR READONLY'
  if (!isNumber(state, name) && value.length > 32) return 'ERR TOO-LONG'
  change(state.variables, name, value)
  return accept(state, session, 'SUCCESS')
}

/** INSTCMD: server/netinstcmd.c. */
export function instruct(state: UpsdState, session: Session, words: readonly string[]): string {
  const [ups = '', name] = words
  if (name === undefined) return invalid
  const blocked = obstacle(state, ups)
  if (blocked !== undefined) return blocked
  const command = name.toLowerCase()
  if (!instantCommandsOf(state).includes(command)) return 'ERR CMD-NOT-SUPPORTED'
  if (!may(state.isSynology, session, 'INSTCMD')) return denied
  return accept(state, session, command === 'load.off' ? 'ERR UNKNOWN' : 'SUCCESS')
}

/** Takes an order on; its outcome is there for who asks for it by the id. */
function accept({ tracked }: UpsdState, { isTracking }: Session, outcome: string): string {
  if (!isTracking) return 'OK'
  const id = randomUUID().toUpperCase()
  tracked.set(id, outcome)
  return `OK TRACKING ${id}`
}
