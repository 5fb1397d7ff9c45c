import type { StorageWarning } from '../../core/cluster/cluster.ts'

/**
 * Ceph's health checks by what they endanger (ceph doc/rados/operations/health-checks.rst, doc/cephfs/health-messages.rst).
 * What is not named here counts as a danger to redundancy: it keeps nodes, and a person can accept it.
 */
const checks: Readonly<Record<string, 'nothing' | 'data' | 'unknown'>> = {
  // A daemon crashed within two weeks, and nobody has archived the report; where one is down now, OSD_DOWN and others say so.
  RECENT_CRASH: 'nothing',
  RECENT_MGR_MODULE_CRASH: 'nothing',
  // Scrubs are late: what they search for would be OSD_SCRUB_ERRORS.
  PG_NOT_SCRUBBED: 'nothing',
  PG_NOT_DEEP_SCRUBBED: 'nothing',
  // Snapshots are deleted slowly.
  PG_SLOW_SNAP_TRIMMING: 'nothing',
  // "Misplaced data is not a dangerous condition in and of itself": the old copies stay until there are new ones.
  OBJECT_MISPLACED: 'nothing',
  // Modules of the manager, a dashboard or a balancer: "the cluster will still be able to perform all IO".
  MGR_MODULE_DEPENDENCY: 'nothing',
  MGR_MODULE_ERROR: 'nothing',
  DASHBOARD_DEBUG: 'nothing',
  // The report to Ceph's developers has changed since it was agreed to.
  TELEMETRY_CHANGED: 'nothing',
  // How data are spread over placement groups: speed and memory, not copies.
  TOO_FEW_PGS: 'nothing',
  TOO_MANY_PGS: 'nothing',
  POOL_TOO_FEW_PGS: 'nothing',
  POOL_TOO_MANY_PGS: 'nothing',
  POOL_PG_NUM_NOT_POWER_OF_TWO: 'nothing',
  SMALLER_PGP_NUM: 'nothing',
  MANY_OBJECTS_PER_PG: 'nothing',
  // Estimates of size that contradict each other.
  POOL_TARGET_SIZE_BYTES_OVERCOMMITTED: 'nothing',
  POOL_HAS_TARGET_SIZE_BYTES_AND_RATIO: 'nothing',
  // A label that is missing on a pool.
  POOL_APP_NOT_ENABLED: 'nothing',
  // Many keys in one object: slow, and whole.
  LARGE_OMAP_OBJECTS: 'nothing',
  // Accounting of old OSDs, and a plugin for compression that can't be loaded: data are written as they are.
  BLUESTORE_LEGACY_STATFS: 'nothing',
  BLUESTORE_NO_PER_POOL_OMAP: 'nothing',
  BLUESTORE_NO_PER_PG_OMAP: 'nothing',
  BLUESTORE_NO_COMPRESSION: 'nothing',
  // Metadata on the slow device, and fragments: speed.
  BLUEFS_SPILLOVER: 'nothing',
  BLUESTORE_FRAGMENTATION: 'nothing',
  BLUESTORE_FREE_FRAGMENTATION: 'nothing',
  // Operations were slow within a day (from Squid on); where a disk fails DEVICE_HEALTH and OSD_DOWN say so.
  BLUESTORE_SLOW_OP_ALERT: 'nothing',
  // Older settings of the CRUSH map, a cache tier without statistics.
  OLD_CRUSH_TUNABLES: 'nothing',
  OLD_CRUSH_STRAW_CALC_VERSION: 'nothing',
  // All OSDs are of a newer release than is demanded of them; a CephFS has files of an older format.
  OSD_UPGRADE_FINISHED: 'nothing',
  FS_INLINE_DATA_DEPRECATED: 'nothing',
  CACHE_POOL_NO_HIT_SET: 'nothing',
  // How clients talk and log in: encryption and rights.
  MON_MSGR2_NOT_ENABLED: 'nothing',
  AUTH_INSECURE_GLOBAL_ID_RECLAIM: 'nothing',
  AUTH_INSECURE_GLOBAL_ID_RECLAIM_ALLOWED: 'nothing',
  AUTH_BAD_CAPS: 'nothing',
  // Clients of CephFS that give back late what they hold, and the memory that this takes.
  MDS_CLIENT_OLDEST_TID: 'nothing',
  MDS_CLIENT_RECALL: 'nothing',
  MDS_CLIENT_LATE_RELEASE: 'nothing',
  MDS_CACHE_OVERSIZED: 'nothing',

  // Copies are missing, and nobody says whether the next node holds the last ones: never to be accepted.
  PG_DEGRADED: 'unknown',

  // Placement groups that serve nothing: too few copies are up.
  PG_AVAILABILITY: 'data',
  // Copies that contradict each other.
  PG_DAMAGED: 'data',
  OSD_SCRUB_ERRORS: 'data',
  // Newer versions of objects that nobody up has.
  OBJECT_UNFOUND: 'data',
  // Nothing can be written, and what lacks copies can't be repaired.
  OSD_FULL: 'data',
  POOL_FULL: 'data',
  PG_RECOVERY_FULL: 'data',
  // CephFS's metadata are damaged, or nobody serves them.
  MDS_DAMAGE: 'data',
  MDS_ALL_DOWN: 'data',
  FS_WITH_FAILED_MDS: 'data',
}

/** Flags that people and Rook set for maintenance, and that take nothing away from the data (Ceph's `osd set`). */
const harmlessFlags = new Set([
  'noout',
  'norebalance',
  'nobackfill',
  'norecover',
  'noscrub',
  'nodeep-scrub',
  'nosnaptrim',
])

/** Those that Ceph calls an error although they are about its manager alone. */
const harmlessErrors = new Set(['MGR_MODULE_ERROR', 'MGR_MODULE_DEPENDENCY'])

/** What a check endangers. What Ceph calls an error is never taken for less than a danger to redundancy. */
export function dangerOf(code: string, severity: string): StorageWarning['endangers'] {
  const danger = Object.hasOwn(checks, code) ? checks[code]! : 'redundancy'
  if (danger === 'nothing' && severity === 'HEALTH_ERR' && !harmlessErrors.has(code)) return 'redundancy'
  return danger
}

/** `noout,noscrub flag(s) set` of the whole cluster, or `… have {NOUP,NODOWN,NOIN,NOOUT} flags set` of parts (ceph src/osd/OSDMap.cc). */
export function isHarmlessFlag(code: string, message: string): boolean {
  if (code === 'OSD_FLAGS') return true
  const flags = /^(\S+) flag\(s\) set/.exec(message)?.[1]?.split(',') ?? []
  return code === 'OSDMAP_FLAGS' && flags.length > 0 && flags.every((flag) => harmlessFlags.has(flag))
}
