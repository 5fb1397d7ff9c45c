import type { PlanAnswer } from '../operator.ts'
import type { TargetDecision } from '../release/target.ts'
import type { UpgradePreview } from './preview.ts'

/** The preview as it is answered. */
export function planAnswerOf(preview: UpgradePreview): PlanAnswer {
  const { cluster: _, decision, release: found, takes: takesMs, ...others } = preview
  const release = found.kind === 'wait' ? withIsoTime(found) : found
  const rest = { ...others, release, takesMs }
  if (decision.kind !== 'wait') return { ...rest, decision }
  const { kind, reason, until } = decision
  return { ...rest, decision: { kind, reason, ...(until === undefined ? {} : { until: until.toISOString() }) } }
}

function withIsoTime({ until, ...rest }: TargetDecision & { kind: 'wait' }) {
  return { ...rest, ...(until === undefined ? {} : { until: new Date(until).toISOString() }) }
}
