import { createHash } from 'node:crypto'
import {
  isPodFinished,
  isPodReady,
  volumeAttachments,
  volumesOf,
  type Draft,
  type PodObject,
  type VolumeAttachmentObject,
} from './objects.ts'
import { currentPod, listPods, removePod, reportPod } from './pods.ts'
import { isAlive, type World } from './world.ts'

/** What living kubelets do with the pods that are bound to them: start them, and stop those that are being deleted. */
export function settleKubelets(world: World): void {
  for (const pod of listPods(world)) {
    if (!isAlive(world, pod.spec.nodeName)) continue
    if (pod.metadata.deletionTimestamp !== undefined) stop(world, pod)
    else if (!isPodFinished(pod) && !isRunning(world, pod) && hasItsVolumes(world, pod)) start(world, pod)
  }
}

/** Attaches the volumes of pods to their nodes, one node at a time, and detaches what no pod there uses any more. */
export function settleVolumes(world: World): void {
  const { store, timers, pace } = world
  for (const pod of listPods(world)) {
    const node = pod.spec.nodeName
    if (node === undefined || isPodFinished(pod)) continue
    for (const volume of volumesOf(pod))
      if (attachmentOf(world, volume) === undefined) store.create(volumeAttachments, draftAttachment(volume, node))
  }
  for (const attachment of listAttachments(world)) {
    const { name } = attachment.metadata
    const isHeld = world.heldVolumes.has(attachment.spec.source.persistentVolumeName)
    if (isHeld || isUsed(world, attachment)) timers.cancel(`detach ${name}`)
    // A volume that a silent node may still write to stays attached; nobody can tell that it was unmounted.
    else if (isAlive(world, attachment.spec.nodeName))
      timers.once(`detach ${name}`, pace.detach, () => {
        const mayGo = world.isWritable() && isAlive(world, attachment.spec.nodeName)
        if (mayGo && !isUsed(world, attachment)) store.remove(volumeAttachments, attachment)
      })
  }
}

function start(world: World, pod: PodObject): void {
  world.timers.once(`start ${pod.metadata.uid}`, world.pace.reschedule, () => {
    const now = currentPod(world, pod)
    if (now === undefined || now.metadata.deletionTimestamp !== undefined || isPodFinished(now)) return
    if (!world.isWritable() || !isAlive(world, now.spec.nodeName)) return
    reportPod(world, now, 'Running', !world.plans.get(now.metadata.uid)?.unready)
  })
}

function stop(world: World, pod: PodObject): void {
  const { uid, deletionGracePeriodSeconds: grace = 0 } = pod.metadata
  const plan = world.plans.get(uid)
  if (plan?.stuckTerminating) return
  const ms = Math.min(plan?.terminateMs ?? world.pace.terminate, grace * 1000)
  // The grace is in the name because it can be cut short later; whichever timer is first ends the pod.
  world.timers.once(`stop ${uid} ${grace}`, ms, () => {
    const now = currentPod(world, pod)
    if (now !== undefined && world.isWritable() && isAlive(world, now.spec.nodeName)) removePod(world, now)
  })
}

function isRunning(world: World, pod: PodObject): boolean {
  const asReadyAsItGets = isPodReady(pod) || world.plans.get(pod.metadata.uid)?.unready === true
  return pod.status.phase === 'Running' && asReadyAsItGets
}

function hasItsVolumes(world: World, pod: PodObject): boolean {
  return volumesOf(pod).every((volume) => attachmentOf(world, volume)?.spec.nodeName === pod.spec.nodeName)
}

function isUsed(world: World, { spec }: VolumeAttachmentObject): boolean {
  const { persistentVolumeName } = spec.source
  return listPods(world).some(
    (pod) =>
      pod.spec.nodeName === spec.nodeName && !isPodFinished(pod) && volumesOf(pod).includes(persistentVolumeName),
  )
}

function listAttachments({ store }: World): readonly VolumeAttachmentObject[] {
  return store.list(volumeAttachments)
}

function attachmentOf(world: World, volume: string): VolumeAttachmentObject | undefined {
  return listAttachments(world).find((each) => each.spec.source.persistentVolumeName === volume)
}

/** Named as kubernetes pkg/volume/csi names them: by a hash of volume, driver and node. */
function draftAttachment(volume: string, nodeName: string): Draft<VolumeAttachmentObject> {
  const attacher = 'driver.longhorn.io'
  const name = `csi-${createHash('sha256').update(`${volume}${attacher}${nodeName}`).digest('hex')}`
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'VolumeAttachment',
    metadata: { name },
    spec: { attacher, nodeName, source: { persistentVolumeName: volume } },
    status: { attached: true },
  }
}
