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
  {
    path: 'src/engine/power-steps.ts',
    code: 'if (error instanceof AgentError && !error.retryable) return undefined',
    change: 'error instanceof AgentError → true',
    because: 'a port rejects with nothing else, and who is called off already takes no order',
  },
  {
    path: 'src/engine/power-steps.ts',
    code: '(error: unknown) => error instanceof AgentError && !error.retryable,',
    change: 'error instanceof AgentError → true',
    because: 'a port rejects with nothing else',
  },
  {
    path: 'src/engine/power-steps.ts',
    code: "refusals = error instanceof AgentError && error.code === 'unreachable' ? refusals + 1 : 0",
    change: 'error instanceof AgentError → true',
    because: 'nothing else has this code',
  },
  {
    path: 'src/engine/power-steps.ts',
    code: 'if (!(error instanceof AgentError) || !error.retryable) throw error',
    change: ['!(error instanceof AgentError) → false', 'error instanceof AgentError → true'],
    because: 'only an AgentError tells whether it may be tried again: what others have not is as good as no',
  },
  {
    path: 'src/engine/power-steps.ts',
    code: "await uncordon({ do: 'uncordon', node: name, why: 'power' }, ports, options)",
    change: "'uncordon' → ''",
    because: 'what carries a step out does not ask which one it is',
  },
  {
    path: 'src/engine/power-steps.ts',
    code: 'powerOnAfter !== undefined &&',
    because: 'what is undefined is neither less nor more than a number',
  },
  {
    path: 'src/engine/power-steps.ts',
    code: 'const wait = { within, pollEvery: Math.min(pollEvery, 500), signal }',
    change: '500 → 1000',
    because: 'half a second or a whole one is as soon as anybody needs it',
  },
  {
    path: 'src/engine/power-steps.ts',
    code: 'if (!isUp) limited.throwIfAborted()',
    change: '!isUp → true',
    because: 'who is called off while it answers is so in the next moment, with the same words',
  },
  {
    path: 'jobs/shut-down-cluster.ts',
    code: 'const alone = { requestedBefore: new Set<string>(), isTight: () => false, isOver: () => false }',
    change: 'false → true',
    because: 'nothing stops the phase of our own machine, so that neither is asked',
  },
  {
    path: 'jobs/shut-down-cluster.ts',
    code: "let said = ''",
    because: 'no plan says either',
  },
  {
    path: 'jobs/shut-down-cluster.ts',
    code: 'return { record, ...(phase ? { last: phase } : {}) }',
    change: 'phase → true',
    because: 'a field that is not there reads as undefined',
  },
  {
    path: 'jobs/wake-cluster.ts',
    code: 'let isMore = false',
    because: 'the watch looks at once, and says whether there are more',
  },
  {
    path: 'jobs/wake-cluster.ts',
    code: "const name = step.do === 'bring-back' ? step.node : step.do === 'bring-back-host' ? step.host : undefined",
    change: "step.do === 'bring-back-host' → true",
    because: 'no other step of a waking is of a host',
  },
  {
    path: 'jobs/wake-cluster.ts',
    code: "if (name !== undefined && kind !== 'failed') record.node(name, kind === 'done' ? 'back' : 'wake-sent')",
    change: "kind !== 'failed' → true",
    because: 'what fails had begun, and that says the same',
  },
  {
    path: 'jobs/wake-cluster.ts',
    code: "return found.kind === 'nothing' ? found.outcome : undefined",
    change: "found.kind === 'nothing' → true",
    because: 'a field that is not there reads as undefined',
  },
]
