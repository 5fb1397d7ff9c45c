import {
  instantCommandsOf,
  invalid,
  isNumber,
  isReadOnly,
  loggedIn,
  nameOf,
  obstacle,
  valueOf,
  type Session,
  type UpsdState,
} from './state.ts'
import { upsDescription } from './upsd.ts'
import { encode } from './words.ts'

const descriptions: Readonly<Record<string, string>> = {
  'battery.charge': 'Battery charge (percent of full)',
  'battery.runtime': 'Battery runtime (seconds)',
  'ups.status': 'UPS status',
  'load.off': 'Turn off the load immediately',
}

/** What upsd calls itself. */
export function greetingOf({ version }: UpsdState): string {
  return `Network UPS Tools upsd ${version} - http://www.networkupstools.org/`
}

/** GET: server/netget.c. */
export function get(state: UpsdState, session: Session, words: readonly string[]): string {
  const [what = '', ups, variable] = words
  const kind = what.toUpperCase()
  if (kind === 'TRACKING' && !state.isSynology) return getTracking(state, session, ups)
  if (ups === undefined) return invalid
  if (kind === 'NUMLOGINS') return obstacle(state, ups) ?? `NUMLOGINS ${ups} ${loggedIn(state.sessions).length}`
  if (kind === 'UPSDESC') return obstacle(state, ups, false) ?? `UPSDESC ${ups} "${encode(upsDescription)}"`
  if (variable === undefined) return invalid
  if (kind === 'VAR' && /^server\./i.test(variable)) return getOfServer(state, ups, variable)
  if (!['VAR', 'TYPE', 'DESC', 'CMDDESC'].includes(kind)) return invalid
  const blocked = obstacle(state, ups)
  if (blocked !== undefined) return blocked
  // The reply has the client's own spelling of the names.
  if (kind.endsWith('DESC'))
    return `${kind} ${ups} ${variable} "${descriptions[variable] ?? 'Description unavailable'}"`
  const name = nameOf(state, variable)
  if (name === undefined) return 'ERR VAR-NOT-SUPPORTED'
  if (kind === 'VAR') return `VAR ${ups} ${variable} "${valueOf(state, name)}"`
  const writable = isReadOnly(name) ? '' : ' RW'
  return `TYPE ${ups} ${variable}${writable} ${isNumber(state, name) ? 'NUMBER' : 'STRING:32'}`
}

/** What became of an order, or whether orders are tracked at all. */
function getTracking({ misbehaviour, tracked }: UpsdState, { isTracking }: Session, id: string | undefined): string {
  if (id === undefined) return isTracking ? 'ON' : 'OFF'
  if (!isTracking) return 'ERR FEATURE-NOT-CONFIGURED'
  return misbehaviour.tracking.shift() ?? tracked.get(id) ?? 'ERR UNKNOWN'
}

/** Variables of upsd itself, which need no data of a driver. */
function getOfServer(state: UpsdState, ups: string, variable: string): string {
  if (/^server\.version$/i.test(variable)) return `VAR ${ups} server.version "${state.version}"`
  const isInfo = /^server\.info$/i.test(variable)
  return isInfo ? `VAR ${ups} server.info "${greetingOf(state)}"` : 'ERR VAR-NOT-SUPPORTED'
}

/** LIST: server/netlist.c. */
export function list(state: UpsdState, [what = '', ups, variable]: readonly string[]): string | string[] {
  const kind = what.toUpperCase()
  if (kind === 'UPS') return ['BEGIN LIST UPS', `UPS ups "${encode(upsDescription)}"`, 'END LIST UPS']
  if (ups === undefined) return invalid
  const make = lists[kind]
  const isOfVariable = kind === 'ENUM' || kind === 'RANGE'
  if (!make || (isOfVariable && variable === undefined)) return invalid
  const blocked = obstacle(state, ups, kind !== 'CLIENT')
  if (blocked !== undefined) return blocked
  if (isOfVariable && nameOf(state, variable ?? '') === undefined) return 'ERR VAR-NOT-SUPPORTED'
  const subject = isOfVariable ? `${kind} ${ups} ${variable}` : `${kind} ${ups}`
  return [`BEGIN LIST ${subject}`, ...make(state, ups), `END LIST ${subject}`]
}

/** The lines of each list, without its beginning and end. */
const lists: Readonly<Record<string, (state: UpsdState, ups: string) => readonly string[]>> = {
  VAR: (state, ups) => namesOf(state).map((name) => `VAR ${ups} ${name} "${valueOf(state, name)}"`),
  // Without FSD: it is no value of the driver's.
  RW: (state, ups) =>
    namesOf(state)
      .filter((name) => !isReadOnly(name))
      .map((name) => `RW ${ups} ${name} "${encode(state.variables.get(name) ?? '')}"`),
  CMD: (state, ups) => instantCommandsOf(state).map((each) => `CMD ${ups} ${each}`),
  CLIENT: ({ sessions }) => loggedIn(sessions).map(({ socket }) => `CLIENT ups ${socket.remoteAddress ?? ''}`),
  ENUM: () => [],
  RANGE: () => [],
}

function namesOf({ variables }: UpsdState): readonly string[] {
  return [...variables.keys()].toSorted()
}
