import type { Argued } from './argued-plans.ts'

/** Of what jobs do. */
export const arguedJobs: readonly Argued[] = [
  {
    path: 'jobs/upgrade-node.ts',
    code: 'reportRollout(alerts, undefined, version && `every node runs ${version}`)',
    change: 'version && `every node runs ${version}` → `every node runs ${version}`',
    because: 'where every node is upgraded it is known to what: it stands there for the compiler',
  },
  {
    path: 'jobs/upgrade-node.ts',
    code: "if (asks && version !== undefined) await emit({ type: 'approval.needed', version })",
    change: 'version !== undefined → true',
    because: 'only a release is waited for: it stands there for the compiler',
  },
  {
    path: 'jobs/upgrade-node.ts',
    code: "const waits = ends.flatMap((end) => (end.kind === 'later' ? [end] : []))",
    change: "end.kind === 'later' → true",
    because: 'the run of a node ends so or throws: it stands there for the compiler',
  },
  {
    path: 'jobs/upgrade-node.ts',
    code: "if (version === undefined) return 'no node reports its version'",
    change: 'version === undefined → false',
    because: 'where every node is upgraded it is known to what: it stands there for the compiler',
  },
  {
    path: 'jobs/upgrade-node.ts',
    code: 'if (!talos.ok || talos.value.version === version) return []',
    change: '!talos.ok → false',
    because: 'where a node is silent not every one is upgraded: it stands there for the compiler',
  },
  {
    path: 'jobs/drill-power.ts',
    code: '...(request.id === undefined ? {} : { request: request.id }),',
    change: 'request.id === undefined → false',
    because: 'a record keeps nothing that is undefined',
  },
  {
    path: 'jobs/drill-power.ts',
    code: 'const policy = { ...config.power.wake, acceptedStorage: config.storage.accept }',
    change: '...config.power.wake, → nothing',
    because: 'in a rehearsal nothing goes down, so nothing is woken and no storage is waited for',
  },
  {
    path: 'jobs/shed-load.ts',
    code: "await carryOut([bestEffort(phase('scale-down', ['power-change'], ...steps))], {",
    change: ["'power-change' → nothing", "'power-change' → ''"],
    because: 'the watch beside it stops it; the plan is asked for no reason',
  },
  {
    path: 'jobs/stage-image.ts',
    code: "const policy = { ...config.share, ...(restores ? { changed: 'restore' as const } : {}) }",
    change: "'restore' → ''",
    because: 'whatever is not to be reported alone is restored',
  },
  {
    path: 'jobs/stage-image.ts',
    code: 'if (overHolds.length === 0) return',
    change: 'overHolds.length === 0 → false',
    because: 'the same holds are remembered again',
  },
]
