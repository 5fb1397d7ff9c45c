import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { Code, ConnectError, type ConnectRouter, type ServiceImpl } from '@connectrpc/connect'
import {
  ContainerDriver,
  ContainerdInstanceSchema,
  ContainerdNamespace,
  type ContainerdInstance,
} from '../../../src/adapters/talos/gen/common_pb.ts'
import { ClusterService } from '../gen/cluster_pb.ts'
import { ImageService as MoreOfImages, MachineService as MoreOfMachine } from '../gen/machine-more_pb.ts'
import { onlyControlPlane } from './etcd-api.ts'
import { checkHealth } from './health.ts'
import type { ImageStore } from './installer.ts'
import type { Machine } from './machine.ts'
import { minorOf } from './phases.ts'

/** What a Talos node serves besides, for talosctl alone: the messages are the lab's own, so the product has none of it. */
export function serveMore(
  router: ConnectRouter,
  machine: Machine,
  life: { readonly life: AbortSignal },
  images: ImageStore,
): void {
  router.service(MoreOfMachine, serveMachine(machine, life, images))
  router.service(MoreOfImages, {
    async *list({ containerd }) {
      for (const image of images.list(containerd)) yield { ...listed(image), labels: {} }
    },
  })
  router.service(ClusterService, {
    healthCheck: ({ waitTimeout }, { signal }) =>
      checkHealth(machine, Number(waitTimeout?.seconds ?? 0) * 1000, AbortSignal.any([signal, life.life])),
  })
}

/** The containerd that the old image calls mean, by its namespace alone. */
function instanceOf(namespace: ContainerdNamespace): ContainerdInstance {
  const driver = namespace === ContainerdNamespace.NS_SYSTEM ? ContainerDriver.CONTAINERD : ContainerDriver.CRI
  return create(ContainerdInstanceSchema, { driver, namespace })
}

function serveMachine(
  machine: Machine,
  { life }: { readonly life: AbortSignal },
  images: ImageStore,
): ServiceImpl<typeof MoreOfMachine> {
  const { options, log } = machine

  function serviceAction(verb: 'started' | 'stopped' | 'restarted', act: (id: string) => void) {
    return ({ id }: { readonly id: string }) => {
      if (!machine.services.has(id)) throw new ConnectError(`service "${id}" not defined`, Code.Unknown)
      const refusal = whyNot(id, verb)
      if (refusal !== undefined) throw new ConnectError(refusal, Code.Unknown)
      act(id)
      return { messages: [{ resp: `Service "${id}" ${verb}` }] }
    }
  }

  /** Lines that follow what happens, until the client has had enough. */
  async function* linesOf(lines: readonly string[], follow: boolean, signal: AbortSignal) {
    for (const line of lines) yield { bytes: new Uint8Array(Buffer.from(line)) }
    const alive = AbortSignal.any([signal, life])
    if (follow && !alive.aborted)
      await new Promise<void>((resolve) => alive.addEventListener('abort', () => resolve(), { once: true }))
  }

  return {
    bootstrap() {
      if (options.role !== 'controlplane' && minorOf(machine.running.version) < 13)
        throw new ConnectError('bootstrap can only be performed on a control plane node', Code.FailedPrecondition)
      onlyControlPlane(machine, 'bootstrap')
      throw new ConnectError('etcd data directory is not empty', Code.AlreadyExists)
    },
    dmesg({ follow }, { signal }) {
      const at = new Date(machine.bootedAt).toISOString()
      const text = (message: string) => `user: warning: [${at}]: [talos] ${message}\n`
      const lines = [
        `kern:    info: [${at}]: Linux version 6.18.9-talos\n`,
        ...log.lines().map(({ message }) => text(message)),
      ]
      return linesOf(lines, follow, signal)
    },
    etcdAlarmDisarm() {
      onlyControlPlane(machine, 'etcd alarm disarm')
      const memberAlarms = (machine.etcd?.alarms() ?? []).map(({ member, alarm }) => {
        machine.etcd?.setAlarm(member.name, undefined)
        return { memberId: member.id, alarm: alarm === 'NOSPACE' ? 1 : 2 }
      })
      return { messages: [{ memberAlarms }] }
    },
    hostname: () => ({ messages: [{ hostname: options.name }] }),
    async *imageList({ namespace }) {
      for (const image of images.list(instanceOf(namespace))) yield listed(image)
    },
    async imagePull({ namespace, reference }, { signal }) {
      await images.pull(reference, instanceOf(namespace), AbortSignal.any([signal, life]))
      return { messages: [{}] }
    },
    loadAvg: () => ({ messages: [{ load1: 0.5, load5: 0.4, load15: 0.3 }] }),
    logs({ id, follow, tailLines }, { signal }) {
      if (!machine.services.has(id) && id !== 'machined')
        throw new ConnectError(`log "${id}" was not registered`, Code.Unknown)
      const lines = log.serviceEvents(id).map(({ at, message }) => `${new Date(at).toISOString()} ${id}: ${message}\n`)
      return linesOf(tailLines > 0 ? lines.slice(-tailLines) : lines, follow, signal)
    },
    memory: () => ({
      messages: [
        {
          meminfo: {
            memtotal: 8_388_608n,
            memfree: 4_194_304n,
            memavailable: 6_291_456n,
            buffers: 65_536n,
            cached: 1_048_576n,
          },
        },
      ],
    }),
    mounts: () => ({
      messages: [
        {
          stats: [
            { filesystem: '/dev/sda6', size: 107_374_182_400n, available: 85_899_345_920n, mountedOn: '/var' },
            { filesystem: '/dev/sda5', size: 104_857_600n, available: 94_371_840n, mountedOn: '/system/state' },
          ],
        },
      ],
    }),
    serviceStart: serviceAction('started', (id) => machine.startService(id)),
    serviceStop: serviceAction('stopped', (id) => machine.stopService(id)),
    serviceRestart: serviceAction('restarted', (id) => {
      machine.stopService(id)
      machine.startService(id)
    }),
  }
}

/** Extensions let themselves be handled over the API, and the kubelet but for its stop (pkg/system/services). */
function whyNot(id: string, verb: 'started' | 'stopped' | 'restarted'): string | undefined {
  if (id.startsWith('ext-') || (id === 'kubelet' && verb !== 'stopped')) return undefined
  return `service "${id}" doesn't support ${verb.replace(/p?ed$/, '')} operation via API`
}

function listed({ name, digest, pulledAt }: ReturnType<ImageStore['list']>[number]) {
  return { name, digest, size: 104_857_600n, createdAt: timestampFromMs(pulledAt) }
}
