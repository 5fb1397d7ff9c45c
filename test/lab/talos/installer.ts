import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Code, ConnectError } from '@connectrpc/connect'
import {
  ContainerDriver,
  ContainerdNamespace,
  type ContainerdInstance,
} from '../../../src/adapters/talos/gen/common_pb.ts'
import type { Machine } from './machine.ts'
import { minorOf } from './phases.ts'
import type { LabImage, RegistryTrouble } from './types.ts'

/** What an installer run says, and how it ends. */
export interface InstallerRun {
  readonly lines: readonly string[]
  readonly exitCode: number
}

/** The images on a node: one store for each containerd, the one in memory lost with every boot. */
export interface ImageStore {
  /** The digest-pinned name, which the image is kept under besides the name it was pulled by. */
  pull(ref: string, instance: ContainerdInstance | undefined, signal: AbortSignal): Promise<string>
  has(ref: string, instance: ContainerdInstance | undefined): boolean
  /** What was pulled by this very name. */
  find(ref: string, instance: ContainerdInstance | undefined): LabImage | undefined
  /** All names of all images there, by name. */
  list(instance: ContainerdInstance | undefined): readonly ListedImage[]
}

/** A name of an image, and its digest; `pulledAt` in ms since the epoch. */
export interface ListedImage {
  readonly name: string
  readonly digest: string
  readonly pulledAt: number
}

export function createImageStore(machine: Machine): ImageStore {
  const stores = new Map<string, Map<string, LabImage>>()
  const pulled = new Map<string, number>()

  function storeOf(instance: ContainerdInstance | undefined): Map<string, LabImage> {
    const key = instanceKey(instance)
    const boot = key === 'inmem' ? `${key} ${machine.bootId}` : key
    const store = stores.get(boot) ?? new Map<string, LabImage>()
    stores.set(boot, store)
    return store
  }

  return {
    async pull(ref, instance, signal) {
      const store = storeOf(instance)
      if (machine.faults.containerdDown) {
        await pause(machine.pace.containerd, undefined, { signal })
        const reason =
          'connection error: desc = "transport: Error while dialing: dial unix:///run/containerd/containerd.sock: timeout"'
        throw new ConnectError(`error pulling image: ${reason}`, Code.Unknown)
      }
      if (store.has(pinnedName(ref))) return pinnedName(ref)
      const trouble = machine.faults.registry
      machine.faults.registry = undefined
      if (trouble !== undefined) throw registryError(ref, trouble)
      const image = machine.options.resolveImage(ref)
      if (!image)
        throw new ConnectError(`error pulling image: failed to pull image "${ref}": ${ref}: not found`, Code.NotFound)
      const pinned = pinnedName(ref)
      if (!store.has(pinned)) await pause(machine.pace.pull, undefined, { signal })
      store.set(ref, image).set(pinned, image)
      if (!pulled.has(pinned)) pulled.set(pinned, Date.now())
      return pinned
    },
    has: (ref, instance) => storeOf(instance).has(pinnedName(ref)),
    find: (ref, instance) => storeOf(instance).get(ref),
    list: (instance) =>
      [...(baseImages[instanceKey(instance)] ?? []), ...storeOf(instance).keys()].toSorted().map((name) => {
        const pinned = pinnedName(name)
        return { name, digest: pinned.slice(pinned.indexOf('@') + 1), pulledAt: pulled.get(pinned) ?? machine.bootedAt }
      }),
  }
}

/** What a node has without anybody's doing. */
const baseImages: Partial<Record<string, readonly string[]>> = {
  system: ['ghcr.io/siderolabs/kubelet:v1.36.3'],
  cri: ['registry.k8s.io/pause:3.10.1', 'registry.k8s.io/kube-proxy:v1.36.3'],
}

const statusTexts: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/**
 * What a pull ends with where a registry is in trouble, as 1.14 says it: all of them Unknown (containerd
 * core/remotes/docker/resolver.go).
 */
function registryError(ref: string, trouble: RegistryTrouble): ConnectError {
  const host = ref.split('/')[0] ?? ''
  const url = `https://${ref.replace(/^([^/]+)\/(.*):([^:]+)$/, '$1/v2/$2/manifests/$3')}`
  const request = (why: string) => `failed to do request: Head "${url}": ${why}`
  const reasons: Readonly<Record<string, string>> = {
    refused: request('dial tcp 192.0.2.1:443: connect: connection refused'),
    'no name': request(`dial tcp: lookup ${host} on 127.0.0.53:53: no such host`),
    slow: request('dial tcp 192.0.2.1:443: i/o timeout'),
  }
  const answer = `unexpected status from HEAD request to ${url}: ${trouble} ${statusTexts[Number(trouble)]}`
  const reason = `failed to resolve reference "${ref}": ${reasons[trouble] ?? answer}`
  return new ConnectError(`error pulling image: failed to pull image "${ref}": ${reason}`, Code.Unknown)
}

/** The containerd by talosctl's names (`system` and `cri` on disk, `inmem` in memory). */
function instanceKey(instance: ContainerdInstance | undefined): 'system' | 'cri' | 'inmem' {
  const namespace = instance?.namespace ?? ContainerdNamespace.NS_UNKNOWN
  if (namespace === ContainerdNamespace.NS_UNKNOWN)
    throw new ConnectError('invalid containerd namespace NS_UNKNOWN', Code.InvalidArgument)
  if (instance?.driver === ContainerDriver.CRI) return namespace === ContainerdNamespace.NS_SYSTEM ? 'system' : 'cri'
  if (namespace === ContainerdNamespace.NS_SYSTEM) return 'inmem'
  throw new ConnectError('cannot use CRI namespace with containerd driver', Code.InvalidArgument)
}

/** `repo@sha256:…`; the digest follows from the name. */
function pinnedName(ref: string): string {
  if (ref.includes('@sha256:')) return ref
  const repository = ref.replace(/:[^:/]+$/, '')
  return `${repository}@sha256:${createHash('sha256').update(ref).digest('hex')}`
}

/** What an installer does on this host (siderolabs/talos cmd/installer/pkg/install); it does not touch the machine. */
export function runInstaller(machine: Machine, image: LabImage): InstallerRun {
  const { faults, running } = machine
  const date = new Date().toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ')
  const start = [`${date} running Talos installer ${image.version}`, 'running pre-flight checks']
  const forced = faults.installerExit
  faults.installerExit = undefined
  // Exit codes tell failures apart from 1.14 on; before, every failure is 1.
  const classified = (code: number) => (minorOf(image.version) >= 14 ? code : 1)
  const components = machine.options.components?.() ?? {}
  const reason = unfit(running.version, image.version) ?? misfit(components, image.version)
  if (reason) return { lines: [...start, `Error: pre-flight checks failed: ${reason}`], exitCode: classified(4) }
  if (faults.installerPanics) {
    faults.installerPanics = false
    return { lines: [...start, ...panic], exitCode: 2 }
  }
  if (forced !== undefined) return { lines: [...start, `Error: ${failures[forced] ?? 'failed'}`], exitCode: forced }
  return {
    lines: [
      ...start,
      `host Talos version: ${running.version}`,
      `host Kubernetes versions: ${Object.entries(components)
        .map(([name, version]) => `${name}: ${version.slice(1)}`)
        .join(', ')}`,
      'all pre-flight checks successful',
      'probing bootloader on "/dev/sda"',
      'found systemd-boot bootloader on "/dev/sda"',
      `writing Talos-${image.version}.efi to disk`,
      'META: loading from /dev/sda4',
      'META: saved 2 keys',
      `installation of ${image.version} complete`,
    ],
    exitCode: 0,
  }
}

const failures: Partial<Record<number, string>> = {
  1: 'unknown error',
  2: 'config validation failed: unknown keys found during decoding',
  3: 'upgrade of this machine is not supported',
  4: 'pre-flight checks failed: environment is not suitable',
  5: 'grub-install not found',
  6: 'write /dev/sda: input/output error',
  7: 'failed to install bootloader',
}

/** What Go's runtime writes; it exits with 2. */
const panic = [
  'panic: runtime error: invalid memory address or nil pointer dereference',
  '[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1a2b3c4]',
  '',
  'goroutine 1 [running]:',
  'github.com/siderolabs/talos/cmd/installer/pkg/install.Install({0x2d8a3f0, 0xc000126000})',
  '\t/src/cmd/installer/pkg/install/install.go:141 +0x1d4',
  'main.main()',
  '\t/src/cmd/installer/main.go:13 +0xf',
]

/**
 * Which component of Kubernetes that release does not run with (cmd/installer/pkg/install/preflight.go): each minor of
 * Talos takes six of Kubernetes, 1.13 those from 1.31 to 1.36.
 */
function misfit(components: Readonly<Record<string, string>>, target: string): string | undefined {
  for (const [name, version] of Object.entries(components)) {
    const ahead = minorOf(version) - minorOf(target)
    if (ahead >= 18 && ahead <= 23) continue
    const how = ahead < 18 ? 'too old' : 'too new'
    return `component ${name} version issue: version of Kubernetes ${version.slice(1)} is ${how} to be used with Talos ${target.slice(1)}`
  }
  return undefined
}

/**
 * Why this host cannot go to that release: up from two minors below, down from less than two above
 * (pkg/machinery/compatibility).
 */
function unfit(host: string, target: string): string | undefined {
  const distance = minorOf(target) - minorOf(host)
  if (distance > 2) return `host version ${host.slice(1)} is too old to upgrade to Talos ${target.slice(1)}`
  if (distance <= -2) return `host version ${host.slice(1)} is too new to downgrade to Talos ${target.slice(1)}`
  return undefined
}
