import { expect } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'

/** What a call was rejected with, which no port may let be anything but an AgentError. */
export async function refusal(call: Promise<unknown>): Promise<AgentError> {
  const error: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(AgentError)
  return error as AgentError
}
