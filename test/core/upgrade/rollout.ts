import type { Plan, Step } from '../../../src/core/plan.ts'
import { observed } from '../../../src/core/cluster/cluster.ts'
import type { Circumstances } from '../../../src/core/upgrade/gates.ts'
import type { UpgradeDecision } from '../../../src/core/upgrade/decision.ts'
import type { UpgradePolicy, UpgradeTarget } from '../../../src/core/upgrade/policy.ts'
import { english } from '../../../src/core/wording.ts'
import { schematic } from '../cluster/nodes.ts'

export const policy: UpgradePolicy = {
  windows: [],
  timeZone: 'Europe/Warsaw',
  shownZone: 'Europe/Warsaw',
  order: 'workers-first',
  approval: 'none',
  mode: 'direct',
  parallel: 1,
  twoMembers: 'refuse',
  nodeEstimate: 900_000,
  settle: 60_000,
  attempts: 2,
  afterRollback: 'ask',
  mayLose: [],
  drainTimeout: 600_000,
  installTimeout: 800_000,
  rebootTimeout: 900_000,
  rebootMode: 'default',
  draining: {
    whenBlocked: 'wait',
    blockedTimeout: 1_800_000,
    emptyDir: 'delete',
    unmanaged: 'delete',
    last: [],
    volumeDetachTimeout: 300_000,
  },
  checks: [],
  checksTimeout: 600_000,
}

export const target: UpgradeTarget = {
  version: 'v1.13.9',
  registry: 'factory.talos.dev',
  schematicOf: () => schematic,
  extensionsOf: () => ['siderolabs/i915'],
  partsOf: () => ({ kernelArguments: [], overlay: undefined, embeddedConfig: false }),
  rebootModeOf: () => undefined,
}

/** A Saturday, 04:00 in Warsaw. */
export const calm: Circumstances = {
  now: new Date('2026-03-07T03:00:00Z'),
  powerObstacle: undefined,
  paused: undefined,
  blackouts: observed([]),
  approved: undefined,
  openUntil: undefined,
  aborted: undefined,
  rollbacks: [],
  mayLose: [],
  ownNode: undefined,
  blocked: new Map(),
  storage: observed({ systems: [], unwell: [], lastReplicas: new Map() }),
  components: observed([]),
  failedChecks: [],
  canaryDoneAt: undefined,
  snapshotted: true,
  times: {},
}

/** `upgraded`, `go w-1`, `go w-1, w-2`, `wait: …`, `stuck: …`. */
export function summary(decision: UpgradeDecision): string {
  if (decision.kind === 'upgraded') return decision.kind
  return decision.kind === 'go'
    ? `go ${decision.nodes.map(({ node }) => node).join(', ')}`
    : `${decision.kind}: ${decision.reason}`
}

/** All that the decision would carry out, for its first node. */
function planOf(decision: UpgradeDecision): Plan {
  return decision.kind === 'go' ? [...decision.first, ...decision.nodes[0]!.plan] : []
}

/** Each phase in a line: `cordon: cordon w-1`. */
export function outline(decision: UpgradeDecision): string[] {
  return planOf(decision).map(({ id, steps }) => `${id}: ${steps.map(english.describeStep).join(', ')}`)
}

export function stepsOf(decision: UpgradeDecision): Step[] {
  return planOf(decision).flatMap(({ steps }) => steps)
}
