import { AgentError } from './errors.ts'

/** One thing that is wrong in a file that a person wrote, and where. */
export interface Fault {
  readonly file: string | undefined
  /** From 1 on; undefined where it is about the whole file. */
  readonly line: number | undefined
  readonly column: number | undefined
  /** The path of the setting: `hosts.0.mac`; undefined where it is about none. */
  readonly setting: string | undefined
  /** What is wrong, and what to do. */
  readonly message: string
  /** It is in a file that Caretaker keeps: no edit mends it, and the message says what does. */
  readonly isOwn?: true
}

/** A failure that is a list of faults: its message has a line for each, unless it has its own words. Always `misconfigured`. */
export class FaultsError extends AgentError {
  readonly faults: readonly Fault[]

  constructor(
    faults: readonly Fault[],
    { message, cause }: { readonly message?: string; readonly cause?: unknown } = {},
  ) {
    super('misconfigured', message ?? faults.map(faultLine).join('\n'), cause)
    this.faults = faults
  }
}

/** `caretaker.yaml:12:3: hosts.0.mac: use a MAC address such as …`. */
export function faultLine({ file, line, column, setting, message }: Fault): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':')
  return [place, setting, message].filter((part) => part !== undefined && part !== '').join(': ')
}

/** A fault that has no place, or only a file. */
export function unplaced(message: string, file?: string): Fault {
  return { file, line: undefined, column: undefined, setting: undefined, message }
}

/** The faults that an error is made of: those of a file, or else the error itself. */
export function faultsOf(error: AgentError): readonly Fault[] {
  for (let one: unknown = error; one instanceof Error; one = one.cause)
    if (one instanceof FaultsError) return one.faults
  return [unplaced(error.message)]
}

/** As programs read it: every field is there, and `null` where nothing is known. */
export function faultAnswer({ file, line, column, setting, message }: Fault) {
  return { file: file ?? null, line: line ?? null, column: column ?? null, setting: setting ?? null, message }
}

/** In the order of their files. */
export function byPlace(one: Fault, other: Fault): number {
  return (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0)
}
