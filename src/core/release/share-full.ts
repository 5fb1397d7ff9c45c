import { AgentError } from '../errors.ts'

/** The share has no room for an image. */
export class ShareFull extends AgentError {
  /** In bytes: so much must be free before another try; undefined where that is not known. */
  readonly needed: number | undefined

  constructor(message: string, needed?: number, cause?: unknown) {
    super('rejected', message, cause)
    this.needed = needed
  }
}
