/**
 * Mutants that may survive, each with its reason: they change nothing that can be observed, or nothing that anybody relies
 * on. An entry names the line as it stands in the source, trimmed, so it holds while the line does; one that fits no mutant
 * any more is reported.
 */
export interface Argued {
  readonly path: string
  readonly code: string
  /** As `npm run mutants` prints it; undefined for every change of this line. */
  readonly change?: string
  readonly because: string
}

export const argued: readonly Argued[] = [
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
]
