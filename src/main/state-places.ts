import { dirname, resolve } from 'node:path'
import { readClientSettings } from '../config/state.ts'
import { defaultState } from '../config/state-line.ts'

/** A line whose key may have been meant as `state`, and what stands behind it: the mistake may be in this very line. */
const likeState = /^ {0,3}["']?(?:s[a-z]*t|ts)[a-z]*["']?\s*(?:[:=]\s*)?["'[{]*([^\s"'#{}[\]]+)/gim

/**
 * Where the state directory of a configuration may be that is broken, unreadable or gone, the likeliest first: where
 * $CARETAKER_STATE says, where its `state:` says, in the usual place, beside the file, and where a line says that was
 * perhaps meant as `state:`. Whoever looks there makes sure of what is there. `configuration` is absolute.
 */
export function placesOfState(
  configuration: string,
  text: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const named = text === undefined ? undefined : readClientSettings(text).state
  const meant = [...(text ?? '').matchAll(likeState)].map(([, place]) => place)
  const places = [environment['CARETAKER_STATE'], named, defaultState, 'state', ...meant]
  const given = places.filter((place) => place !== undefined && place !== '')
  return [...new Set(given.map((place) => resolve(dirname(configuration), place!)))]
}
