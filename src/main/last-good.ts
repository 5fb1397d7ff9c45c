import { join, resolve } from 'node:path'
import { isMissingFile, readText } from './file-gate.ts'
import { writeSecret } from './replace-file.ts'
import { placesOfState } from './state-places.ts'

/** The last valid configuration. */
export interface LastGood {
  /** Where it is kept. */
  readonly file: string
  readonly text: string
}

const mark = /^# The last good version of ([^\n]*), kept by Caretaker\n/

/** Keeps the text of a configuration that is good, in the state directory and for its owner only. */
export async function keepLastGood(state: string, configuration: string, text: string): Promise<void> {
  const file = lastGoodIn(state)
  const whole = `# The last good version of ${resolve(configuration)}, kept by Caretaker\n${text}`
  const before = await readText(file).catch(() => undefined)
  if (before !== whole) await writeSecret(file, whole)
}

/**
 * The last good version of a configuration, wherever its state directory may be: what is kept there says which file it
 * was.
 */
export async function findLastGood(
  configuration: string,
  text: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<LastGood | undefined> {
  for (const place of placesOfState(configuration, text, environment)) {
    const kept = await readKept(place)
    if (kept !== 'unreadable' && kept?.of === configuration) return { file: lastGoodIn(place), text: kept.text }
  }
  return undefined
}

/**
 * What a state directory keeps, and of which file. `unreadable`: it is there, and another user's, or damaged, as by a power
 * cut: a daemon has run here all the same.
 */
export async function readKept(
  state: string,
): Promise<{ readonly of: string; readonly text: string } | 'unreadable' | undefined> {
  try {
    const kept = await readText(lastGoodIn(state))
    const of = mark.exec(kept)
    return of ? { of: of[1]!, text: kept.slice(of[0].length) } : 'unreadable'
  } catch (error) {
    return isMissingFile(error) ? undefined : 'unreadable'
  }
}

/** Where it is kept in the state directory. */
export function lastGoodIn(state: string): string {
  return join(state, 'last-good.yaml')
}
