import { expect } from 'vitest'
import type { AgentError } from '../../../src/core/errors.ts'

export interface Failure {
  readonly code: string
  /** In ms, where it says when to try again. */
  readonly after: number | undefined
  readonly message: string
}

/** How sending fails; none of the secrets stands in what is told. */
export async function failureOf(sending: Promise<unknown>, secrets: readonly string[] = []): Promise<Failure> {
  const error = await sending.then(
    () => expect.fail('it was sent'),
    (error: unknown) => error as AgentError & { readonly after?: number },
  )
  for (const secret of secrets) expect(error.message).not.toContain(secret)
  return { code: error.code, after: error.after, message: error.message }
}
