import type { Event } from '../core/event.ts'

/** Which nodes answer, as whoever watches them says. */
export interface Answering {
  /** Takes note of whether a node answers; that one which was never heard is silent is nothing new. */
  notice(node: string, answers: boolean): void
  /** Names of the nodes that answered at most this many ms ago. */
  within(ms: number): ReadonlySet<string>
}

export function createAnswering(monotonic: () => number, emit: (event: Event) => Promise<void>): Answering {
  const lastAnswer = new Map<string, number>()
  const answering = new Set<string>()
  return {
    notice: (node, answers) => {
      const isKnown = lastAnswer.has(node)
      const wasAnswering = answering.has(node)
      if (answers) {
        lastAnswer.set(node, monotonic())
        answering.add(node)
        if (isKnown && !wasAnswering) void emit({ type: 'node.returned', node })
        return
      }
      answering.delete(node)
      if (wasAnswering) void emit({ type: 'node.lost', node })
    },
    within: (ms) => new Set([...lastAnswer].filter(([, at]) => monotonic() - at <= ms).map(([name]) => name)),
  }
}
