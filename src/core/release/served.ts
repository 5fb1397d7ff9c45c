import { AgentError, messageOf } from '../errors.ts'
import { follows, type ServedTrouble } from './served-advice.ts'

/** The server that machines boot from, read as firmware reads it. */
export interface BootServer {
  /** Its address, as it is configured: `192.168.0.6`. */
  readonly name: string
  /**
   * Reads the first so many bytes of a file, or all of it.
   *
   * @throws AgentError `unreachable` without an answer, BootServerRefusal where it says no, `malformed`
   */
  read(file: string, most: number | undefined, signal: AbortSignal): Promise<ServedBytes>
}

export interface ServedBytes {
  /** Of the whole file, in bytes; undefined where the server does not say. */
  readonly size: number | undefined
  /** Of what was read, in lower-case hex. */
  readonly sha256: string
}

/** A boot server that answers no. */
export class BootServerRefusal extends AgentError {
  /** By RFC 1350, where 1 is an unknown file, and 2 one that may not be read. */
  readonly number: number

  constructor(number: number, message: string) {
    super('rejected', message)
    this.number = number
  }
}

/** A name on the share under which machines boot, as the server should serve it. */
export interface ExpectedFile {
  readonly file: string
  readonly version: string
  /** Of the whole file. */
  readonly bytes: number
  /** Of as much as was read. */
  readonly sha256: string
}

/** What is wrong with what machines get. */
export interface ServedFault {
  /** A sentence in the present tense. */
  readonly text: string
  /** What to do, in the imperative. */
  readonly action: string
}

/** What is wrong with what the server answers; undefined where machines get what is published. */
export function judgeServed(
  server: string,
  { file, version, bytes, sha256 }: ExpectedFile,
  outcome: ServedBytes | Error,
): ServedFault | undefined {
  const published = `${file} of ${version} is published`
  if (outcome instanceof Error) {
    const kind = kindOf(outcome)
    return { text: `${published}, and machines don't get it: ${messageOf(outcome)}`, action: follows(kind, file) }
  }
  if (outcome.size !== undefined && outcome.size !== bytes)
    return {
      text: `${published} with ${bytes} bytes, and ${server} serves one of ${outcome.size}`,
      action: follows('other', file),
    }
  if (outcome.sha256 === sha256) return undefined
  return { text: `${published}, and ${server} serves other bytes`, action: follows('other', file) }
}

function kindOf(error: Error): ServedTrouble {
  if (error instanceof BootServerRefusal) {
    if (error.number === 1 || /not found|no such file/i.test(error.message)) return 'unknown-file'
    return error.number === 2 || /permission|denied|access/i.test(error.message) ? 'not-allowed' : 'unclear'
  }
  if (!(error instanceof AgentError) || error.code !== 'unreachable') return 'unclear'
  return error.message.includes('stopped in the middle') ? 'cut' : 'silent'
}
