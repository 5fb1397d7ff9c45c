import { AgentError, messageOf } from '../core/errors.ts'
import type { Kubernetes } from '../core/cluster/ports.ts'
import type { ScaledWorkload, WorkloadSelection } from '../core/cluster/workload.ts'

/** What can be scaled to zero, and which selections can't be asked for until someone fixes them. */
export interface Sheddable {
  readonly found: readonly ScaledWorkload[]
  readonly refused: readonly { readonly selection: WorkloadSelection; readonly why: string }[]
}

/**
 * Asks for each selection by itself, at the same time, so that one which the API server refuses leaves the others alone.
 *
 * @throws AgentError where an answer may come later, or where every selection is refused
 */
export async function findSheddable(
  kubernetes: Pick<Kubernetes, 'scalable'>,
  selections: readonly WorkloadSelection[],
  signal: AbortSignal,
): Promise<Sheddable> {
  const answers = await Promise.allSettled(selections.map((selection) => kubernetes.scalable([selection], signal)))
  const failures = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []))
  const passing = failures.find((error) => !(error instanceof AgentError) || error.retryable)
  // To continue with half of them would be to forget the rest.
  if (passing !== undefined) throw passing
  if (failures.length > 0 && failures.length === selections.length) throw failures[0]
  // Several selections may choose the same.
  const found = new Map<string, ScaledWorkload>()
  const refused: { selection: WorkloadSelection; why: string }[] = []
  for (const [index, answer] of answers.entries()) {
    if (answer.status === 'rejected') refused.push({ selection: selections[index]!, why: messageOf(answer.reason) })
    else for (const one of answer.value) found.set([one.namespace, one.name, one.kind].join(' '), one)
  }
  return { found: [...found.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one), refused }
}

/** What to tell people of selections that were refused; undefined where there are none. */
export function describeRefused({ refused }: Sheddable): string | undefined {
  if (refused.length === 0) return undefined
  return `power.shed: ${refused.map(({ why }) => why).join('; ')}; the other selectors are used`
}
