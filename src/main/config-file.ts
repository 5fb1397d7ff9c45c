import { dirname, resolve } from 'node:path'
import { readClientSettings } from '../config/state.ts'
import { messageOf } from '../core/errors.ts'
import { chooseTimeZone } from '../core/time.ts'
import { defaultFiles, findConfigFile, socketOf } from './config-place.ts'
import { readText } from './file-gate.ts'
import { readKept } from './last-good.ts'
import { placesOfState } from './state-places.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A daemon as its clients need it. */
export interface DaemonPlace {
  /** Its control socket. */
  readonly socket: string
  /** The time zone of times that people read. */
  readonly zone: string
  /** What is wrong with the configuration, where the daemon was found in spite of it. */
  readonly trouble: string | undefined
  /** Whether the file is not the one that the daemon took last: it may have faults that only a whole check finds. */
  readonly isEdited: boolean
}

/**
 * Finds the daemon of a configuration without checking the rest of it. A file that is broken, unreadable or gone must not
 * keep a person from cancelling a shutdown: then the daemon is looked for wherever its state may be, and is the right one
 * if it was started with this file. Undefined where there is no socket. Never rejects.
 */
export async function findDaemon(
  named: string | undefined,
  environment: Environment,
): Promise<DaemonPlace | undefined> {
  const given = findConfigFile(named, environment)
  const file = resolve(given ?? defaultFiles.at(-1)!)
  const { text, why } = await readAny(given)
  const settings = text === undefined ? undefined : readClientSettings(text)
  const zoneOf = (timeZone = 'UTC') => chooseTimeZone(environment['TZ'], timeZone)
  if (settings?.state !== undefined && settings.fault === undefined) {
    const state = resolve(dirname(file), settings.state)
    const socket = socketOf(state, environment)
    const kept = socket === undefined ? undefined : await readKept(state)
    const isEdited = typeof kept === 'object' && kept.of === file && kept.text !== text
    if (socket !== undefined) return { socket, zone: zoneOf(settings.timeZone), trouble: undefined, isEdited }
  }
  for (const place of placesOfState(file, text, environment)) {
    const socket = socketOf(place, environment)
    if (socket === undefined) continue
    const kept = await readKept(place)
    // Another configuration's daemon must not get what is meant for this one's.
    const isNamed = settings?.state !== undefined && resolve(dirname(file), settings.state) === place
    const isOurs = typeof kept === 'object' && (given === undefined || kept.of === file)
    if (!isNamed && !isOurs) continue
    const fault = why ?? `${given}: ${settings?.fault ?? `no daemon runs in the state directory that it names`}`
    return {
      socket,
      zone: zoneOf((typeof kept === 'object' ? readClientSettings(kept.text) : settings)?.timeZone),
      trouble: `${fault}; this asks the daemon at ${socket}`,
      isEdited: false,
    }
  }
  return undefined
}

/** A configuration's text; or why there is none. */
async function readAny(file: string | undefined): Promise<{ readonly text?: string; readonly why?: string }> {
  if (file === undefined)
    return { why: `no configuration found: none of ${defaultFiles.join(', ')} exists: \`caretaker init\` writes one` }
  try {
    return { text: await readText(file) }
  } catch (error) {
    return { why: messageOf(error) }
  }
}
