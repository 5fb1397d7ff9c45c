/** A phase of a sequence, with its tasks. */
export interface Step {
  readonly phase: string
  readonly tasks: readonly string[]
}

export type SequenceKind = 'reboot' | 'force-reboot' | 'shutdown' | 'force-shutdown' | 'upgrade'

/** A release's minor: 13 of `v1.13.9`. */
export function minorOf(version: string): number {
  const minor = /^v?1\.(\d+)/.exec(version)?.[1]
  if (minor === undefined) throw new Error(`not a Talos release: ${version}`)
  return Number(minor)
}

/** The phases of a sequence in their order (siderolabs/talos runtime/v1alpha1/v1alpha1_sequencer.go). */
export function phasesOf(kind: SequenceKind, version: string): readonly Step[] {
  const newer = minorOf(version) >= 14
  const since14 = (...steps: Step[]) => (newer ? steps : [])
  const deny = step('denyNewServices')
  const kexec = step('kexec', 'kexecPrepare')
  const everything = step('stopEverything', 'stopAllServices')
  const unmount = (first: string) => [
    step(first, 'unmountPodMounts'),
    step('unmountBind', 'unmountSystemDiskBindMounts'),
    ...since14(step('unmountPromotable', 'unmountPromotableSystemPartitions')),
    step('unmountSystem', 'unmountEphemeralPartition'),
    step('volumeFinalize', 'teardownLifecycle'),
  ]
  const cleanup = [
    step('cleanup', 'stopAllPods'),
    ...since14(step('preShutdown', 'preShutdownServices')),
    step('dbus', 'stopDBus'),
  ]
  // What Talos calls its containers is what runs beside Kubernetes, from 1.14 on.
  const containers = since14(step('stopContainers', 'teardownContainerLifecycle'))
  const services = step('stopServices', 'stopServicesForUpgrade')
  const stop = [...since14(deny), ...containers, services, ...unmount('umount')]
  const drain = step('drain', 'cordonAndDrainNode')
  const phases: Record<SequenceKind, readonly Step[]> = {
    reboot: [...cleanup, ...stop, ...(newer ? [everything, kexec] : [kexec, everything]), step('reboot')],
    'force-reboot': [step('reboot')],
    shutdown: [
      step('storeShutdown', 'storeShutdownEmergency'),
      drain,
      ...cleanup,
      ...stop,
      everything,
      step('shutdown'),
    ],
    'force-shutdown': [
      step('storeShutdown', 'storeShutdownEmergency'),
      ...cleanup,
      ...stop,
      everything,
      step('shutdown'),
    ],
    upgrade: [
      ...since14(deny),
      drain,
      ...cleanup,
      ...containers,
      services,
      ...unmount('unmount'),
      step('upgrade'),
      step('meta', 'reloadMeta'),
      kexec,
      everything,
      step('reboot'),
    ],
  }
  return phases[kind]
}

function step(phase: string, ...tasks: string[]): Step {
  return { phase, tasks: tasks.length > 0 ? tasks : [phase] }
}
