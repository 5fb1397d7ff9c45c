import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect'
import { stringify } from 'yaml'
import { ResourceSchema, type Resource, type State } from '../../../src/adapters/talos/gen/state_pb.ts'
import { callerRoles, notAuthorized } from './access.ts'
import { definitionsOf } from './definitions.ts'
import { isServed, namespaces, one, otherKinds, type Items, type Kind } from './kinds.ts'
import type { Machine } from './machine.ts'
import { minorOf } from './phases.ts'
import { protoSpecOf } from './proto-specs.ts'
import { watchItems } from './watch.ts'

/** The resources of siderolabs/talos pkg/machinery/resources that Caretaker may ask for; YAML keys are camelCase. */
const kinds: Readonly<Record<string, Kind>> = {
  'MachineStatuses.runtime.talos.dev': {
    namespace: 'runtime',
    items: one('machine', (machine) => {
      const unmetConditions = machine.unmet()
      return { stage: machine.stage, status: { ready: unmetConditions.length === 0, unmetConditions } }
    }),
  },
  'BootIDs.runtime.talos.dev': {
    namespace: 'runtime',
    since: 14,
    items: one('boot-id', (machine) => ({ bootID: machine.bootId })),
  },
  'Versions.runtime.talos.dev': {
    namespace: 'runtime',
    items: one('version', ({ running }) => ({
      version: running.version,
      ...(minorOf(running.version) >= 13 ? { name: 'Talos' } : {}),
    })),
  },
  'ExtensionStatuses.runtime.talos.dev': { namespace: 'runtime', items: extensionsOf },
  'ImageFactorySchematics.runtime.talos.dev': {
    namespace: 'runtime',
    since: 14,
    items: one('image-factory-schematic', ({ running }) => ({
      schematicId: running.schematic,
      flavor: 'metal-installer',
      apiUrl: 'https://factory.talos.dev',
    })),
  },
  'MetaKeys.runtime.talos.dev': {
    namespace: 'runtime',
    items: ({ shownFallback, staged }) => [
      ...(shownFallback === undefined ? [] : [['0x06', { value: shownFallback }] as const]),
      ...(staged === undefined
        ? []
        : ([
            ['0x07', { value: staged }],
            ['0x08', { value: '{}' }],
          ] as const)),
    ],
  },
  'BootedEntries.talos.dev': {
    namespace: 'runtime',
    items: ({ options, running, entryOf }) =>
      options.bootloader === 'grub' ? [] : [['bootedentry', { bootedEntry: entryOf(running) }]],
  },
  'SecurityStates.talos.dev': {
    namespace: 'runtime',
    items: one('securitystate', ({ options }) => ({
      secureBoot: options.secureBoot === true,
      ...(options.secureBoot || options.signed
        ? { ukiSigningKeyFingerprint: 'f'.repeat(64), pcrSigningKeyFingerprint: 'e'.repeat(64) }
        : {}),
      selinuxState: 'enabled, permissive',
      bootedWithUKI: options.bootloader !== 'grub',
    })),
  },
  'PlatformMetadatas.talos.dev': {
    namespace: 'runtime',
    items: one('platformmetadata', ({ options }) => ({ platform: 'metal', hostname: options.name })),
  },
  'KernelCmdlines.runtime.talos.dev': {
    namespace: 'runtime',
    items: one('cmdline', ({ options, running }) => ({
      cmdline: [
        'talos.platform=metal console=tty0 init_on_alloc=1 slab_nomerge pti=on',
        ...(options.kernelArgumentsOf?.(running.schematic) ?? []),
      ].join(' '),
    })),
  },
  'Services.v1alpha1.talos.dev': {
    namespace: 'runtime',
    // There only while a service runs (controllers/v1alpha1/service.go).
    items: ({ services }) =>
      [...services].flatMap(([id, { state, healthy }]) =>
        state === 'Running' ? [[id, { running: true, healthy, unknown: false }] as const] : [],
      ),
  },
  'Nodenames.kubernetes.talos.dev': {
    namespace: 'k8s',
    items: one('nodename', ({ options }) => ({
      nodename: options.nodename ?? options.name,
      hostnameVersion: '1',
      skipNodeRegistration: false,
    })),
  },
  'Identities.cluster.talos.dev': { namespace: 'cluster', items: one('local', ({ nodeId }) => ({ nodeId })) },
  'KubeletSpecs.kubernetes.talos.dev': { namespace: 'k8s', sensitive: true, items: () => [] },
  'MachineTypes.config.talos.dev': {
    namespace: 'config',
    items: one('machine-type', ({ options, stage }) => (stage === 'maintenance' ? 'unknown' : options.role)),
  },
  'HostnameStatuses.net.talos.dev': {
    namespace: 'network',
    items: one('hostname', ({ options }) => ({ hostname: options.name, domainname: '' })),
  },
  'SystemInformations.hardware.talos.dev': {
    namespace: 'hardware',
    items: one('systeminformation', ({ options, uuid }) => ({
      manufacturer: 'Lab',
      productName: 'Node',
      version: '1',
      serialnumber: options.serial ?? options.name,
      uuid,
      wakeUpType: 'Power Switch',
    })),
  },
  'EtcdMembers.etcd.talos.dev': {
    namespace: 'etcd',
    items: ({ etcd, options }) => {
      const member = etcd?.member(options.name)
      return member ? [['local', { memberID: member.id.toString(16).padStart(16, '0') }]] : []
    },
  },
}

/** What is not there before a machine has its configuration. */
const ofCluster: ReadonlySet<string> = new Set([
  'EtcdMembers.etcd.talos.dev',
  'Identities.cluster.talos.dev',
  'Infos.cluster.talos.dev',
  'Members.cluster.talos.dev',
  'Nodenames.kubernetes.talos.dev',
  'NodeStatuses.kubernetes.talos.dev',
  'SystemDisks.block.talos.dev',
  'VolumeStatuses.block.talos.dev',
])

/** Types and namespaces themselves, by which talosctl finds all others. */
const meta: Readonly<Record<string, Kind>> = {
  'ResourceDefinitions.meta.cosi.dev': {
    namespace: 'meta',
    items: ({ running }) =>
      definitionsOf(
        Object.entries(all)
          .filter(([, kind]) => isServed(kind, running.version))
          .map(([type, { namespace, sensitive = false }]) => ({ type, namespace, sensitive })),
      ),
  },
  'Namespaces.meta.cosi.dev': { namespace: 'meta', items: () => namespaces },
}

const all: Readonly<Record<string, Kind>> = { ...meta, ...otherKinds, ...kinds }

/**
 * COSI's state API as apid serves it: reading only, and only what is known (cosi-project/runtime, siderolabs/talos).
 */
export function serveResources(machine: Machine, life: { readonly life: AbortSignal }): ServiceImpl<typeof State> {
  function list(namespace: string, type: string, context: HandlerContext): Resource[] {
    const kind = Object.hasOwn(all, type) ? all[type] : undefined
    if (!kind || !isServed(kind, machine.running.version))
      throw new ConnectError(`resource type "${type}" is not supported`, Code.PermissionDenied)
    if (!namespaces.some(([id]) => id === namespace))
      throw new ConnectError(`namespace "${namespace}" is not supported`, Code.PermissionDenied)
    if (kind.sensitive && !context.values.get(callerRoles).includes('os:admin')) throw notAuthorized()
    if (namespace !== kind.namespace || (machine.stage === 'maintenance' && ofCluster.has(type))) return []
    const created = timestampFromMs(machine.bootedAt)
    return kind.items(machine).map(([id, spec]) =>
      create(ResourceSchema, {
        metadata: {
          namespace,
          type,
          id,
          version: String(machine.revision),
          phase: 'running',
          created,
          updated: created,
        },
        spec: { yamlSpec: stringify(spec), protoSpec: protoSpecOf(type, spec) },
      }),
    )
  }

  return {
    get({ namespace, type, id }, context) {
      const resource = list(namespace, type, context).find(({ metadata }) => metadata?.id === id)
      if (resource) return { resource }
      throw new ConnectError(`resource ${type}(${namespace}/${id}@undefined) doesn't exist`, Code.NotFound)
    },
    async *list({ namespace, type }, context) {
      for (const resource of list(namespace, type, context)) yield { resource }
    },
    watch(request, context) {
      const items = () => list(request.namespace, request.type, context)
      return watchItems(machine, request, items, AbortSignal.any([context.signal, life.life]))
    },
  }
}

/** Layers in their order; the last one is virtual and carries the schematic (siderolabs/image-factory). */
function extensionsOf({ options, running }: Machine): Items {
  const extraKernelArgs = options.kernelArgumentsOf?.(running.schematic) ?? []
  const official = options.extensionsOf?.(running.schematic)
  const extensions =
    official?.map((name) => ({ name: name.replace(/^siderolabs\//, ''), version: running.version })) ??
    options.extensions ??
    []
  const names = extensions.map(({ name }) => `siderolabs/${name}`)
  const customization = {
    ...(extraKernelArgs.length > 0 ? { extraKernelArgs } : {}),
    ...(names.length > 0 ? { systemExtensions: { officialExtensions: names } } : {}),
  }
  const layers = extensions.map(({ name, version }) => ({
    image: `ghcr.io/siderolabs/${name}:${version}`,
    metadata: {
      name,
      version,
      author: 'Sidero Labs',
      description: `System extension ${name}.`,
      compatibility: { talos: { version: '>= v1.5.0' } },
    },
  }))
  const schematic = {
    image: '',
    metadata: {
      name: 'schematic',
      version: running.schematic,
      author: 'Image Factory (https://factory.talos.dev)',
      description: 'Virtual extension which specifies the schematic of the image built with Image Factory.',
      compatibility: { talos: { version: '' } },
      extraInfo:
        options.schematicText ?? stringify({ ...(options.overlay ? { overlay: options.overlay } : {}), customization }),
    },
  }
  return [...layers, schematic].map((layer, index) => [String(index), layer] as const)
}
