import type { Argued } from './argued-plans.ts'

/** Of what carries plans out. */
export const arguedEngine: readonly Argued[] = [
  {
    path: 'src/engine/order-steps.ts',
    code: 'if (signal.aborted || !(error instanceof AgentError && error.retryable)) throw error',
    change: 'error instanceof AgentError → true',
    because: 'only an AgentError tells whether it may be tried again: what others have not is as good as no',
  },
]
