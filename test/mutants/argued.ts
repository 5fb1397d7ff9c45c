/**
 * Mutants that may survive, each with its reason: they change nothing that can be observed, or nothing that anybody relies
 * on. An entry names the line as it stands in the source, trimmed, so it holds while the line does; one that fits no mutant
 * any more is reported.
 */
export interface Argued {
  readonly path: string
  readonly code: string
  /** As `npm run mutants` prints it; undefined for every change of this line. */
  readonly change?: string
  readonly because: string
}

export const argued: readonly Argued[] = []
