import type { Argued } from './argued-plans.ts'

/** Of which node is next in an upgrade, and of what is finished. */
export const arguedUpgrades: readonly Argued[] = [
  {
    path: 'src/core/upgrade/decide.ts',
    code: 'const canary = policy.canary && cluster.nodes.find(({ name }) => name === policy.canary?.node)',
    change: [
      'policy.canary && cluster.nodes.find(({ name } … = policy.canary?.node) → cluster.nodes.find(({ name }) => name === policy.canary?.node)',
      'policy.canary?.node → policy.canary.node',
    ],
    because: 'no node has an undefined name, and without a canary nothing is looked for',
  },
  {
    path: 'src/core/upgrade/decide.ts',
    code: 'if (nodeObstacle(node, { ...situation, cluster: { ...cluster, nodes } }) === undefined) chosen.push(node)',
    change: '...cluster, → nothing',
    because: 'of the cluster only its nodes are asked',
  },
  {
    path: 'src/core/upgrade/decide.ts',
    code: 'if (!node.kubernetes.ok) return node',
    change: '!node.kubernetes.ok → false',
    because: 'asked only of nodes that were chosen, and those are well in Kubernetes',
  },
  {
    path: 'src/core/upgrade/gates.ts',
    code: "if (unwell || !node.kubernetes.ok) return { gate: 'node', reason: `${node.name} ${unwell}` }",
    change: '!node.kubernetes.ok → false',
    because: 'a node that Kubernetes does not tell of is unwell: it stands there for the compiler',
  },
  {
    path: 'src/core/upgrade/gates.ts',
    code: 'return isStagedByUs(node) && staged?.release === target.version && staged.schematic === target.schematicOf(node.name)',
    change: 'staged?.release → staged.release',
    because: 'what is staged by us has a mark',
  },
  {
    path: 'src/core/upgrade/stage.ts',
    code: 'node.talos.ok &&',
    because: 'only nodes that tell what they run are outdated: it stands there for the compiler',
  },
  {
    path: 'src/core/upgrade/leftovers.ts',
    code: 'const mark = node.kubernetes.ok ? node.kubernetes.value.leftover : undefined',
    because: 'the node was found by what is left on it: it stands there for the compiler',
  },
  {
    path: 'src/core/upgrade/leftovers.ts',
    code: 'const noted = mark?.release === undefined ? undefined : rollbackNote(node, mark.release, mark)',
    change: 'mark?.release → mark.release',
    because: 'the node was found by this mark',
  },
  {
    path: 'src/core/upgrade/leftovers.ts',
    code: 'const kept = mark && isNeeded(node, mark) ? [stagedNote(node, mark)] : []',
    change: ['mark && isNeeded(node, mark) → isNeeded(node, mark)', 'mark → true'],
    because: 'the node was found by this mark',
  },
  {
    path: 'src/core/upgrade/network-boot.ts',
    code: 'if (mark?.diskless && mark.back && mark.to !== undefined)',
    change: ['mark?.diskless && mark.back → mark?.diskless', 'mark.back → true'],
    because: 'only a mark of a node that goes back says to what',
  },
  {
    path: 'src/core/upgrade/network-boot.ts',
    code: 'if (onDisk === undefined || onDisk !== isDiskless) return undefined',
    change: 'onDisk === undefined → false',
    because: 'what is undefined differs from both',
  },
  {
    path: 'src/core/upgrade/resume.ts',
    code: "cluster.nodes.find(({ name }) => name === one?.node)?.role === 'worker'",
    change: [
      'cluster.nodes.find(({ name }) => name === one?.node)?.role → cluster.nodes.find(({ name }) => name === one?.node).role',
      'one?.node → one.node',
    ],
    because: 'what goes has a node, and that is one of the cluster',
  },
  {
    path: 'src/core/upgrade/resume.ts',
    code: 'mark.machineId === undefined ? node : { ...node, machineId: mark.machineId },',
    change: 'mark.machineId === undefined → false',
    because: 'an id that is undefined is compared with none',
  },
  {
    path: 'src/core/upgrade/resume.ts',
    code: 'const reason = kubernetes.ok ? kubernetes.value.paused : undefined',
    change: 'kubernetes.ok → true',
    because: 'a node carries our mark as far as Kubernetes tells: it stands there for the compiler',
  },
  {
    path: 'src/core/upgrade/resume.ts',
    code: 'const boot = talos.ok ? target.networkBootOf?.(name, talos.value.version) : undefined',
    change: 'talos.ok → true',
    because: 'asked only of nodes that answer: it stands there for the compiler',
  },
  {
    path: 'src/core/upgrade/rollback.ts',
    code: 'return nodes.some((node) => isCordonedByUs(node) && !markOf(node)?.back) ? undefined : decisions[0]',
    change: 'markOf(node)?.back → markOf(node).back',
    because: 'what is cordoned by us has a mark',
  },
  {
    path: 'src/core/upgrade/rollback.ts',
    code: '(other) => other !== node && isCordonedByUs(other) && !markOf(other)?.back && !isArmed(other) && isHealthy(other),',
    change: 'markOf(other)?.back → markOf(other).back',
    because: 'what is cordoned by us has a mark',
  },
  {
    path: 'src/core/upgrade/rollback.ts',
    code: 'const elsewhere = talos.ok && rebooted ? whyNotBack(talos.value, mark) : undefined',
    change: ['talos.ok && rebooted → rebooted', 'talos.ok → true'],
    because: 'only a node that answers has rebooted: it stands there for the compiler',
  },
  {
    path: 'src/core/upgrade/rollback.ts',
    code: 'const isDiskless = talos.ok && networkBootOf(name, talos.value.version) !== undefined',
    change:
      'talos.ok && networkBootOf(name, talos.value.version) !== undefined → networkBootOf(name, talos.value.version) !== undefined',
    because: 'a rollback begins at a node that answers: it stands there for the compiler',
  },
  {
    path: 'src/core/upgrade/rollback.ts',
    code: 'const boot = isDiskless && to !== undefined ? networkBootOf(name, to) : undefined',
    change: ['isDiskless && to !== undefined → to !== undefined', 'isDiskless → true'],
    because: 'a node with an installation has no image of its own, whatever the release',
  },
  {
    path: 'src/core/cluster/identity.ts',
    code: 'const isElsewhere = nodename !== undefined && nodename !== name && registered.value.has(nodename)',
    change: 'nodename !== undefined → true',
    because: 'no node object is registered under an undefined name: it stands there for the compiler',
  },
  {
    path: 'src/core/upgrade/destination.ts',
    code: "const until = release.kind === 'wait' && release.until !== undefined ? new Date(release.until) : undefined",
    change: "release.kind === 'wait' → true",
    because: 'only what is waited for says until when',
  },
]
