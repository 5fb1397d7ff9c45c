import { AgentError } from '../../src/core/errors.ts'

/** Nobody who has called a call off gets it done: the promise of every port. */
export function heeding<Port extends object>(port: Port): Port {
  const calls = Object.entries(port).map(([name, call]: [string, unknown]) => {
    const refuse = (given: readonly unknown[]) => {
      if (given.some((one) => one instanceof AbortSignal && one.aborted))
        throw new AgentError('unreachable', 'called off')
    }
    if (typeof call !== 'function') return [name, call]
    if (call.constructor.name === 'AsyncGeneratorFunction') {
      const stream = async function* (...given: unknown[]): AsyncGenerator {
        refuse(given)
        yield* (call as (...same: unknown[]) => AsyncGenerator)(...given)
      }
      return [name, stream]
    }
    const heed = async (...given: unknown[]): Promise<unknown> => {
      refuse(given)
      return call(...given)
    }
    return [name, heed]
  })
  return Object.fromEntries(calls) as Port
}
