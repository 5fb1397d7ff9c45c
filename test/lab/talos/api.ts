import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { Code, ConnectError, type ConnectRouter, type ServiceImpl } from '@connectrpc/connect'
import {
  ContainerDriver,
  ContainerdInstanceSchema,
  ContainerdNamespace,
} from '../../../src/adapters/talos/gen/common_pb.ts'
import {
  ImageService,
  ImageServicePullLayerProgress_Status as PullStatus,
  LifecycleService,
  MachineService,
  RebootRequest_Mode as RebootMode,
  UpgradeRequest_RebootMode as UpgradeBy,
} from '../../../src/adapters/talos/gen/machine_pb.ts'
import { State } from '../../../src/adapters/talos/gen/state_pb.ts'
import { TimeService } from '../../../src/adapters/talos/gen/time_pb.ts'
import { machineIdOf } from '../../../src/adapters/talos/machine-id.ts'
import { tarOf } from './archive.ts'
import { generateClient } from './client-config.ts'
import { onlyControlPlane, serveEtcd, validateForUpgrade } from './etcd-api.ts'
import { runInstaller, type ImageStore } from './installer.ts'
import type { Machine } from './machine.ts'
import { serveMore } from './more-api.ts'
import { minorOf } from './phases.ts'
import { serveResources } from './resources.ts'
import type { RebootKind, Sequences } from './sequences.ts'
import type { LabImage } from './types.ts'

/** All that a Talos node serves of what Caretaker and talosctl call. */
export function serveTalos(router: ConnectRouter, machine: Machine, sequences: Sequences, images: ImageStore): void {
  router.service(MachineService, serveMachine(machine, sequences, images))
  router.service(LifecycleService, serveLifecycle(machine, sequences, images))
  router.service(ImageService, serveImages(machine, sequences, images))
  router.service(State, serveResources(machine, sequences))
  router.service(TimeService, serveTime(machine))
  serveMore(router, machine, sequences, images)
}

/** What the installer in this containerd does, as a task of a sequence. @throws Error where it ends with another code than 0 */
export async function installFrom(
  machine: Machine,
  images: ImageStore,
  ref: string,
  signal: AbortSignal,
): Promise<LabImage> {
  await images.pull(ref, inMemory, signal)
  const image = images.find(ref, inMemory)
  if (!image) throw new Error(`installer image ${ref} not found`)
  const { exitCode } = runInstaller(machine, image)
  await pause(machine.pace.install, undefined, { signal })
  if (exitCode !== 0) throw new Error(`error running upgrade task: task "upgrade" failed: exit code ${exitCode}`)
  return image
}

const inMemory = create(ContainerdInstanceSchema, {
  driver: ContainerDriver.CONTAINERD,
  namespace: ContainerdNamespace.NS_SYSTEM,
})

const rebootKinds: Partial<Record<RebootMode, RebootKind>> = {
  [RebootMode.POWERCYCLE]: 'firmware',
  [RebootMode.FORCE]: 'force',
}

function serveMachine(machine: Machine, sequences: Sequences, images: ImageStore): ServiceImpl<typeof MachineService> {
  const { options, faults } = machine
  return {
    ...serveEtcd(machine, sequences),
    version: () => ({
      messages: [
        {
          version: {
            tag: machine.running.version,
            sha: '00000000',
            built: '',
            goVersion: 'go1.26',
            os: 'linux',
            arch: 'amd64',
          },
          platform: { name: 'metal', mode: 'metal' },
        },
      ],
    }),
    applyConfiguration() {
      throw new ConnectError('the lab changes no configuration of a node that has one', Code.Unimplemented)
    },
    async upgrade(request, { signal }) {
      const alive = AbortSignal.any([signal, sequences.life])
      try {
        await images.pull(request.image, inMemory, alive)
      } catch (error) {
        const cause = ConnectError.from(error).rawMessage
        throw new ConnectError(`error validating installer image "${request.image}": ${cause}`, Code.Unknown)
      }
      if (!request.force && !request.preserve) validateForUpgrade(machine)
      const actor = randomUUID()
      const install = (signal: AbortSignal) => installFrom(machine, images, request.image, signal)
      if (request.stage) sequences.stageUpgrade({ actor, ref: request.image })
      else
        sequences.upgrade({ actor, mode: request.rebootMode === UpgradeBy.POWERCYCLE ? 'firmware' : 'kexec', install })
      return { messages: [{ ack: 'Upgrade request received', actorId: actor }] }
    },
    reboot({ mode }) {
      const actor = randomUUID()
      if (faults.rebootIgnored) faults.rebootIgnored = false
      else if (faults.locked) {
        faults.locked = false
        sequences.refuse('reboot')
      } else sequences.reboot({ mode: rebootKinds[mode] ?? 'kexec', actor })
      return { messages: [{ actorId: actor }] }
    },
    shutdown({ force }) {
      const actor = randomUUID()
      sequences.shutdown({ force, actor })
      return { messages: [{ actorId: actor }] }
    },
    rollback() {
      if (!machine.other) throw new ConnectError('previous UKI not found', Code.Unknown)
      const { installed, other } = machine
      machine.installed = other
      machine.other = installed
      machine.changed()
      // A rollback has no actor: its events cannot be told by one.
      sequences.reboot({ mode: 'kexec', actor: '', takeover: true })
      return { messages: [{}] }
    },
    serviceList() {
      const byId = [...machine.services].toSorted(([a], [b]) => (a < b ? -1 : 1))
      const services = byId.map(([id, { state, healthy }]) => ({
        id,
        state,
        events: {
          events: machine.log
            .serviceEvents(id)
            .map((event) => ({ msg: event.message, state: event.state, ts: timestampFromMs(event.at) })),
        },
        health: { unknown: state !== 'Running', healthy, lastMessage: '' },
      }))
      return { messages: [{ services }] }
    },
    systemStat: () => ({ messages: [{ bootTime: BigInt(Math.floor((machine.bootedAt + faults.clockOff) / 1000)) }] }),
    async *read({ path }) {
      if (machine.faults.efiUnreadable && path.startsWith('/sys/firmware/efi/'))
        throw new ConnectError(`read ${path}: input/output error`, Code.Unknown)
      const file = fileOf(machine, path)
      if (!file) throw new ConnectError(`stat ${path}: no such file or directory`, Code.Unknown)
      yield { bytes: new Uint8Array(file) }
    },
    events: (request, { signal }) => machine.log.follow(request, AbortSignal.any([signal, sequences.life])),
    async *kubeconfig() {
      onlyControlPlane(machine, 'kubeconfig')
      if (!options.kubeconfig) throw new ConnectError('k8s API server CA config is not set', Code.FailedPrecondition)
      yield { bytes: tarOf('kubeconfig', options.kubeconfig()) }
    },
    async generateClientConfiguration(request) {
      if (minorOf(machine.running.version) < 13 && options.role === 'worker')
        throw new ConnectError(
          "client configuration (talosconfig) can't be generated on worker nodes",
          Code.FailedPrecondition,
        )
      onlyControlPlane(machine, 'generate client configuration')
      return { messages: [await generateClient(options, request)] }
    },
  }
}

/** A node asks its time server, and answers with its own time when that has (v1alpha1_time.go). */
function serveTime({ faults }: Machine): ServiceImpl<typeof TimeService> {
  return {
    time: () => {
      if (faults.timeServer !== undefined)
        throw new ConnectError(`error querying NTP server "time.cloudflare.com": ${faults.timeServer}`, Code.Unknown)
      const server = 'time.cloudflare.com'
      const localtime = timestampFromMs(Date.now() + faults.clockOff)
      return { messages: [{ server, localtime, remotetime: timestampFromMs(Date.now()) }] }
    },
  }
}

/** What the lab has of a node's files. */
function fileOf(machine: Machine, path: string): Buffer | undefined {
  switch (path) {
    case '/proc/sys/kernel/random/boot_id':
      return Buffer.from(`${machine.bootId}\n`)
    case '/proc/uptime':
      return Buffer.from(`${((Date.now() - machine.bootedAt) / 1000).toFixed(2)} 1.00\n`)
    case '/etc/machine-id':
      return Buffer.from(machineIdOf(machine.nodeId) ?? '')
    // Four bytes of attributes, then UTF-16 (systemd docs/BOOT_LOADER_INTERFACE.md); GRUB knows nothing of it.
    case '/sys/firmware/efi/efivars/LoaderEntryDefault-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f':
      if (machine.options.bootloader === 'grub') return undefined
      return Buffer.concat([
        Buffer.from([7, 0, 0, 0]),
        Buffer.from(`${machine.entryOf(machine.installed)}\0`, 'utf16le'),
      ])
    case '/sys/firmware/efi/efivars/LoaderEntries-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f': {
      if (machine.options.bootloader === 'grub') return undefined
      // As the loader found them when it ran last: what is installed since is not among them.
      const { awaitsBoot, running, installed, other } = machine
      const images = awaitsBoot ? [running] : [installed, ...(other ? [other] : [])]
      const names = [...images.map((image) => machine.entryOf(image)), 'auto-reboot-to-firmware-setup']
      return Buffer.concat([
        Buffer.from([6, 0, 0, 0]),
        Buffer.from(names.map((name) => `${name}\0`).join(''), 'utf16le'),
      ])
    }
    default:
      return undefined
  }
}

function serveLifecycle(
  machine: Machine,
  sequences: Sequences,
  images: ImageStore,
): ServiceImpl<typeof LifecycleService> {
  let busy = false
  return {
    async *upgrade({ containerd, source }, { signal }) {
      if (busy || machine.faults.upgradeInProgress) {
        if (machine.faults.upgradeInProgress === true) machine.faults.upgradeInProgress = false
        throw new ConnectError('another installation/upgrade is already in progress', Code.FailedPrecondition)
      }
      busy = true
      try {
        const name = source?.imageName ?? ''
        if (name === '') throw new ConnectError('installer image name is required', Code.InvalidArgument)
        const image = findImage(images, name, containerd)
        const { lines, exitCode } = runInstaller(machine, image)
        const messages = minorOf(machine.running.version) >= 14 ? lines : piecesOf(lines.join('\n') + '\n')
        const alive = AbortSignal.any([signal, sequences.life])
        for (const message of messages) {
          yield { progress: { response: { case: 'message', value: message } } }
          // A client that goes away in the middle ends the installer's container.
          await pause(machine.pace.install / messages.length, undefined, { signal: alive })
        }
        if (exitCode === 0) machine.install(image)
        yield { progress: { response: { case: 'exitCode', value: exitCode } } }
      } finally {
        busy = false
      }
    },
  }
}

function findImage(images: ImageStore, name: string, containerd: Parameters<ImageStore['find']>[1]) {
  try {
    const image = images.find(name, containerd)
    if (image) return image
  } catch (error) {
    throw new ConnectError(`upgrade failed: ${ConnectError.from(error).rawMessage}`, Code.Internal)
  }
  throw new ConnectError(`upgrade failed: installer image ${name} not found in containerd store`, Code.Internal)
}

/** Before 1.14 output comes in pieces of at most 512 bytes, and they cut lines in two; short ones do so more often. */
function piecesOf(output: string): string[] {
  return output.match(/[^]{1,100}/g) ?? []
}

function serveImages(machine: Machine, sequences: Sequences, images: ImageStore): ServiceImpl<typeof ImageService> {
  return {
    async *pull({ containerd, imageRef }, { signal }) {
      const known = images.has(imageRef, containerd)
      const pulling = images.pull(imageRef, containerd, AbortSignal.any([signal, sequences.life]))
      // The promise is awaited below, after the progress; until then nobody else looks at it.
      pulling.catch(() => {})
      if (!known && machine.options.resolveImage(imageRef)) {
        const layerId = `sha256:${'0'.repeat(64)}`
        for (const status of [PullStatus.DOWNLOADING, PullStatus.DOWNLOAD_COMPLETE, PullStatus.EXTRACTING])
          yield {
            response: { case: 'pullProgress', value: { layerId, progress: { status, offset: 0n, total: 4096n } } },
          }
      }
      yield { response: { case: 'name', value: await pulling } }
    },
  }
}
