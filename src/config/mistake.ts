/**
 * What a configuration says that fits its shape and will not work. `error`: it surely cannot. `warning`: it probably is
 * not meant so.
 */
export interface Mistake {
  readonly severity: 'error' | 'warning'
  /** The setting: `['hosts', 0, 'mac']`. */
  readonly path: readonly (string | number)[]
  /** What is wrong, and what to do: follows the setting and a colon. */
  readonly text: string
}

type Path = readonly (string | number)[]

export const wrong = (path: Path, text: string): Mistake => ({ severity: 'error', path, text })
export const doubtful = (path: Path, text: string): Mistake => ({ severity: 'warning', path, text })
