/**
 * Every phase of every plan: its id, by which code decides and records are kept, and its title, which people read and
 * nothing else does.
 */
export const phaseTitles = {
  // Bringing a node to another release, and back.
  'pull-images': 'pull images',
  'snapshot-etcd': 'snapshot etcd',
  cordon: 'cordon',
  drain: 'drain',
  confirm: 'confirm',
  annotate: 'annotate',
  install: 'install',
  'forfeit-leadership': 'forfeit leadership',
  reboot: 'reboot',
  rollback: 'roll back',
  'verify-boot': 'verify boot',
  'verify-etcd': 'verify etcd',
  settle: 'settle',
  uncordon: 'uncordon',
  'verify-checks': 'verify checks',
  'stage-image': 'stage image',
  // Shutting the cluster down; `cordon` and `drain` as above.
  'scale-down': 'scale down',
  'set-storage-flags': 'set storage flags',
  'shut-down-all': 'shut down everything',
  'await-all': 'wait for everything',
  'shut-down-workers': 'shut down workers',
  'await-workers': 'wait for workers',
  'shut-down-storage-nodes': 'shut down storage nodes',
  'await-storage-nodes': 'wait for storage nodes',
  'shut-down-control-planes': 'shut down control planes',
  'await-control-planes': 'wait for control planes',
  'shut-down-hosts': 'shut down hosts',
  'await-hosts': 'wait for hosts',
  'shut-down-nas': 'shut down NAS',
  'await-nas': 'wait for NAS',
  'shut-down-own-machine': 'shut down own machine',
  'cut-power': 'switch off outlets',
  'log-out': 'log out of UPS',
  // Waking it; `uncordon` as above.
  'wake-nas': 'wake NAS',
  'wake-machines': 'wake machines',
  'allow-repair': 'let storage repair itself',
  'restore-storage-flags': 'restore storage flags',
  'await-storage': 'wait for storage',
  'scale-up': 'scale up',
  'log-in': 'log in to UPS',
} as const satisfies Readonly<Record<string, string>>

export type PhaseId = keyof typeof phaseTitles

/** The titles by which 0.1.0 kept its records. `nas` and `storage` stood for phases of both ways: records hold the way down. */
const formerTitles: Readonly<Record<string, PhaseId>> = {
  fetch: 'pull-images',
  snapshot: 'snapshot-etcd',
  close: 'cordon',
  empty: 'drain',
  note: 'annotate',
  'note installed': 'annotate',
  'hand over': 'forfeit-leadership',
  'roll back': 'rollback',
  return: 'verify-boot',
  etcd: 'verify-etcd',
  reopen: 'uncordon',
  prove: 'verify-checks',
  stage: 'stage-image',
  'scale down': 'scale-down',
  storage: 'set-storage-flags',
  everything: 'shut-down-all',
  'everything down': 'await-all',
  workers: 'shut-down-workers',
  'workers down': 'await-workers',
  'storage nodes': 'shut-down-storage-nodes',
  'storage nodes down': 'await-storage-nodes',
  'control planes': 'shut-down-control-planes',
  'control planes down': 'await-control-planes',
  hosts: 'shut-down-hosts',
  'hosts down': 'await-hosts',
  nas: 'shut-down-nas',
  'nas down': 'await-nas',
  'own machine': 'shut-down-own-machine',
  'cut the power': 'cut-power',
  'log out': 'log-out',
  'bring back': 'wake-machines',
  'storage whole': 'await-storage',
  'scale back': 'scale-up',
  'log in': 'log-in',
}

/** The phase that a record means, which may be of 0.1.0 and name it by its title; undefined where there is none. */
export function phaseIdOfTitle(title: string): PhaseId | undefined {
  if (isPhaseId(title)) return title
  return Object.hasOwn(formerTitles, title) ? formerTitles[title] : undefined
}

export function isPhaseId(text: string): text is PhaseId {
  return Object.hasOwn(phaseTitles, text)
}
