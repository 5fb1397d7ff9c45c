import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { defaultState } from '../config/state.ts'
import { writeSecret } from './replace-file.ts'

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
  const before = await readFile(file, 'utf8').catch(() => undefined)
  if (before !== whole) await writeSecret(file, whole)
}

/**
 * The last good version of a configuration. The state directory is named in the file that may be broken or gone, so it is
 * looked for where $CARETAKER_STATE says, where a line `state:` of the file says however broken the rest is, in the usual
 * place, and beside the file. What is kept there says which file it was.
 */
export async function findLastGood(
  configuration: string,
  text: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<LastGood | undefined> {
  const written = /^state:[ \t]*(?:'([^'\n]+)'|"([^"\n]+)"|([^\s#'"][^\n#]*))/m.exec(text ?? '')
  const named = (written?.[1] ?? written?.[2] ?? written?.[3])?.trim()
  const places = [environment['CARETAKER_STATE'], named, defaultState, 'state']
  for (const place of new Set(places.filter((one) => one !== undefined && one !== ''))) {
    const file = lastGoodIn(resolve(dirname(configuration), place!))
    const kept = await readFile(file, 'utf8').catch(() => undefined)
    const of = mark.exec(kept ?? '')
    if (kept !== undefined && of?.[1] === configuration) return { file, text: kept.slice(of[0].length) }
  }
  return undefined
}

/** Where it is kept in the state directory. */
export function lastGoodIn(state: string): string {
  return join(state, 'last-good.yaml')
}
