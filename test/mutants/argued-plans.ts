/**
 * Mutants that may survive, each with its reason: they change nothing that can be observed, or nothing that anybody relies
 * on. An entry names the line as it stands in the source, trimmed, so it holds while the line does; one that fits no mutant
 * any more is reported.
 */
export interface Argued {
  readonly path: string
  readonly code: string
  /** As `npm run mutants` prints it, or several of them; undefined for every change of this line. */
  readonly change?: string | readonly string[]
  readonly because: string
}

export const arguedPlans: readonly Argued[] = [
  {
    path: 'src/core/cluster/disruption.ts',
    code: 'const isBefore = (other: Node) => !(node && isCordonedByUs(node)) || other.name < leaving',
    change: 'other.name < leaving → other.name <= leaving',
    because: 'the node itself is never among the others',
  },
  {
    path: 'src/core/cluster/etcd.ts',
    code: 'if (led.length === 0) return undefined',
    change: 'led.length === 0 → false',
    because: 'without a member that sees a leader there is no list of voters, and the loop below does nothing',
  },
  {
    path: 'src/core/cluster/etcd.ts',
    code: 'leaving.includes(name) || views.some(({ node, facts }) => facts.id === id && leaving.includes(node.name))',
    change:
      'leaving.includes(name) || views.some(({ node, … g.includes(node.name)) → views.some(({ node, facts }) => facts.id ===  … g.includes(node.name))',
    because: 'a voter counts as staying only by the view of its own node, and that view has its id',
  },
  {
    path: 'src/core/cluster/etcd.ts',
    code: ".join('\\n')",
    because: 'ids of members are numbers of 16 digits: no separator can make two lists alike',
  },
  {
    path: 'src/core/cluster/etcd.ts',
    code: 'const theirs = runningVersions({ nodes: controlPlanes }).flatMap((version) => etcdOf[minorOf(version)] ?? [])',
    change: 'etcdOf[minorOf(version)] ?? [] → etcdOf[minorOf(version)]',
    because: 'sorting puts what is undefined last, where it is not looked at',
  },
  {
    path: 'src/core/cluster/disruption.ts',
    code: 'const isBefore = (other: Node) => !(node && isCordonedByUs(node)) || other.name < leaving',
    change: 'node && isCordonedByUs(node) → isCordonedByUs(node)',
    because:
      'asked only of nodes that are away and closed by us, and a name that is no node’s is not asked about while there are',
  },
  {
    path: 'src/core/cluster/etcd.ts',
    code: 'if (before === undefined || after === undefined || compareVersions(after, before) <= 0) return undefined',
    change: 'after === undefined → false',
    because: 'a version that is no version compares as the older one',
  },
  {
    path: 'src/core/power/recovery.ts',
    code: 'const { state, wasHealthy } = outage.nodes[name] ?? {}',
    because: 'only machines that are missing are woken, and those are in the record',
  },
  {
    path: 'src/core/power/phases.ts',
    code: 'return { ...bestEffort(phase(id, stops, ...steps)), reversible: true, within, leaves: 0 }',
    change: '0 → 1',
    because: 'what a phase leaves is set for all of them when the plan is whole',
  },
  {
    path: 'src/core/power/phases.ts',
    code: 'return { ...bestEffort(phase(id, stops, ...steps)), reversible: false, within, leaves: 0 }',
    change: '0 → 1',
    because: 'what a phase leaves is set for all of them when the plan is whole',
  },
  {
    path: 'src/core/power/phases.ts',
    code: 'const longest = Math.max(0, ...others.map(({ stops }) => stops))',
    change: '0 → 1',
    because: 'where nobody else goes there is no phase for them',
  },
  {
    path: 'src/core/upgrade/gates.ts',
    code: 'const byHand = openUntil !== undefined && openUntil > now',
    change: 'openUntil !== undefined → true',
    because: 'nothing is later than undefined',
  },
  {
    path: 'src/core/power/shutdown.ts',
    code: 'const preparing = share === 1 ? preparations({ ...situation, goes }, budget - wants, policy) : []',
    change: 'share === 1 → true',
    because: 'with less than all that tiers want nothing is left to prepare with',
  },
  {
    path: 'src/core/upgrade/gates.ts',
    code: 'const closes = Math.max(byHand ? openUntil.getTime() : 0, window.open ? window.closesAt!.getTime() : 0)',
    change: '0 → 1',
    because: 'a ms of 1970 is before any window',
  },
  {
    path: 'src/core/upgrade/decide.ts',
    code: "if (first.role === 'controlplane' || first.name === policy.canary?.node) return []",
    change: "first.role === 'controlplane' → false",
    because: 'leavingObstacle counts what goes beside the first one as well: it would refuse',
  },
  {
    path: 'src/core/upgrade/decide.ts',
    code: 'if (!circumstances.storage.ok || circumstances.storage.value.systems.length > 0) return []',
    change: '!circumstances.storage.ok → false',
    because: 'nothing starts at all while that is unknown',
  },
  {
    path: 'src/core/upgrade/decide.ts',
    code: 'const free = workersAtOnce(cluster.nodes, policy) - 1',
    change: 'workersAtOnce(cluster.nodes, policy) - 1 → workersAtOnce(cluster.nodes, policy) + 1',
    because: 'leavingObstacle counts what goes beside the first one as well: it would refuse',
  },
  {
    path: 'src/core/upgrade/decide.ts',
    code: 'const free = workersAtOnce(cluster.nodes, policy) - 1',
    change: '1 → 0',
    because: 'leavingObstacle counts what goes beside the first one as well: it would refuse',
  },
  {
    path: 'src/core/upgrade/decide.ts',
    code: "for (const node of others.filter(({ role }) => role === 'worker')) {",
    change: "others.filter(({ role }) => role === 'worker') → others",
    because: 'leavingObstacle counts what goes beside the first one as well: it would refuse',
  },
  {
    path: 'src/core/upgrade/decide.ts',
    code: "for (const node of others.filter(({ role }) => role === 'worker')) {",
    change: "role === 'worker' → true",
    because: 'leavingObstacle counts what goes beside the first one as well: it would refuse',
  },
  {
    path: 'src/core/upgrade/decide.ts',
    code: 'if (chosen.length >= free) break',
    change: 'chosen.length >= free → false',
    because: 'leavingObstacle counts what goes beside the first one as well: it would refuse',
  },
  {
    path: 'src/core/upgrade/decide.ts',
    code: 'if (chosen.length >= free) break',
    change: 'chosen.length >= free → chosen.length > free',
    because: 'leavingObstacle counts what goes beside the first one as well: it would refuse',
  },
  {
    path: 'src/core/upgrade/decide.ts',
    code: "const cordon: CordonMark = { why: 'upgrade', at: '' }",
    change: "'' → 'x'",
    because: 'nobody reads the time of a cordon that is only imagined',
  },
  {
    path: 'src/core/power/phases.ts',
    code: "...(nas.length > 0 ? stopTier('nas', nas, outage, Math.max(...nas.map(({ stops }) => stops))) : []),",
    change: 'nas.length > 0 → true',
    because: 'a tier without machines has no phase',
  },
  {
    path: 'src/core/power/phases.ts',
    code: "...(nas.length > 0 ? stopTier('nas', nas, outage, Math.max(...nas.map(({ stops }) => stops))) : []),",
    change: 'nas.length > 0 → nas.length >= 0',
    because: 'a tier without machines has no phase',
  },
  {
    path: 'src/core/power/phases.ts',
    code: "...(own.length > 0 ? stopTier('own-machine', own, outage, Math.max(...own.map(({ stops }) => stops))) : []),",
    change: 'own.length > 0 → true',
    because: 'a tier without machines has no phase',
  },
  {
    path: 'src/core/power/phases.ts',
    code: "...(own.length > 0 ? stopTier('own-machine', own, outage, Math.max(...own.map(({ stops }) => stops))) : []),",
    change: 'own.length > 0 → own.length >= 0',
    because: 'a tier without machines has no phase',
  },
  {
    path: 'src/core/power/readiness.ts',
    code: 'if (charge !== undefined && charge < policy.minimumCharge)',
    change: 'charge !== undefined → true',
    because: 'what is undefined is neither less nor more than a number',
  },
  {
    path: 'src/core/power/readiness.ts',
    code: 'if (runtime !== undefined && runtime < policy.minimumRuntime && !(charge !== undefined && charge >= full))',
    change: 'runtime !== undefined → true',
    because: 'what is undefined is neither less nor more than a number',
  },
  {
    path: 'src/core/power/readiness.ts',
    code: 'if (runtime !== undefined && runtime < policy.minimumRuntime && !(charge !== undefined && charge >= full))',
    change: 'charge !== undefined → true',
    because: 'what is undefined is neither less nor more than a number',
  },
]
