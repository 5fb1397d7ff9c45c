import type { Argued } from './argued-plans.ts'

/** Of what carries plans out. */
export const arguedEngine: readonly Argued[] = [
  {
    path: 'src/engine/runner.ts',
    code: "goesOn = outcome.kind === 'later' && outcome.at <= now()",
    change: "outcome.kind === 'later' → true",
    because: 'only what is to be done later has a time, and none is not before any',
  },
  {
    path: 'src/engine/order-steps.ts',
    code: 'if (signal.aborted || !(error instanceof AgentError && error.retryable)) throw error',
    change: 'error instanceof AgentError → true',
    because: 'only an AgentError tells whether it may be tried again: what others have not is as good as no',
  },
  {
    path: 'src/core/lease.ts',
    code: "return holder === undefined || holder === 'upgrade' ? undefined : describePurpose(holder)",
    change: 'holder === undefined → false',
    because: 'there are no words for what is not done',
  },
]
