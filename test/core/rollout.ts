import { describeStep, type Step } from '../../src/core/plan.ts'
import type { Circumstances, UpgradeDecision } from '../../src/core/upgrade.ts'
import type { UpgradePolicy, UpgradeTarget } from '../../src/core/upgrade-plan.ts'
import { schematic } from './nodes.ts'

export const policy: UpgradePolicy = {
  windows: [],
  timeZone: 'Europe/Warsaw',
  order: 'workers-first',
  nodeTakes: 900_000,
  settle: 60_000,
  attempts: 2,
  drain: 600_000,
  install: 800_000,
  reboot: 900_000,
}

export const target: UpgradeTarget = {
  version: 'v1.13.9',
  registry: 'factory.talos.dev',
  schematicOf: () => schematic,
  extensionsOf: () => ['siderolabs/i915'],
}

/** A Saturday, 04:00 in Warsaw. */
export const calm: Circumstances = {
  now: new Date('2026-03-07T03:00:00Z'),
  powerObstacle: undefined,
  paused: undefined,
}

/** `upgraded`, `go w-1`, `wait: …`, `stuck: …`. */
export function summary(decision: UpgradeDecision): string {
  if (decision.kind === 'upgraded') return decision.kind
  return decision.kind === 'go' ? `go ${decision.node}` : `${decision.kind}: ${decision.reason}`
}

/** Each phase in a line: `close: cordon w-1`. */
export function outline(decision: UpgradeDecision): string[] {
  if (decision.kind !== 'go') return []
  return decision.plan.map(({ name, steps }) => `${name}: ${steps.map(describeStep).join(', ')}`)
}

export function stepsOf(decision: UpgradeDecision): Step[] {
  return decision.kind === 'go' ? decision.plan.flatMap(({ steps }) => steps) : []
}
