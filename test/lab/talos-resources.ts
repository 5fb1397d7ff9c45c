import { createHash } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect'
import { stringify } from 'yaml'
import { ResourceSchema, type Resource, type State } from '../../src/adapters/talos/gen/state_pb.ts'
import { callerRoles, notAuthorized } from './talos-access.ts'
import { bootEntryOf, type Machine } from './talos-machine.ts'
import { minorOf } from './talos-phases.ts'

type Items = readonly (readonly [id: string, spec: unknown])[]

/** A resource type: its namespace, the release that brought it, and what there is of it now. */
interface Kind {
  readonly namespace: string
  readonly since?: number
  /** Only for admins. */
  readonly sensitive?: boolean
  items(machine: Machine): Items
}

const one = (id: string, spec: (machine: Machine) => unknown) => (machine: Machine) => [[id, spec(machine)]] as const

/** The resources of siderolabs/talos pkg/machinery/resources that Caretaker may ask for; YAML keys are camelCase. */
const kinds: Partial<Record<string, Kind>> = {
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
    items: ({ fallback }) => (fallback === undefined ? [] : [['0x06', { value: fallback }]]),
  },
  'BootedEntries.talos.dev': {
    namespace: 'runtime',
    items: one('bootedentry', ({ running }) => ({ bootedEntry: bootEntryOf(running) })),
  },
  'SecurityStates.talos.dev': {
    namespace: 'runtime',
    items: one('securitystate', () => ({
      secureBoot: false,
      selinuxState: 'enabled, permissive',
      bootedWithUKI: true,
    })),
  },
  'PlatformMetadatas.talos.dev': {
    namespace: 'runtime',
    items: one('platformmetadata', ({ options }) => ({ platform: 'metal', hostname: options.name })),
  },
  'KernelCmdlines.runtime.talos.dev': {
    namespace: 'runtime',
    items: one('cmdline', () => ({ cmdline: 'talos.platform=metal console=tty0 init_on_alloc=1 slab_nomerge pti=on' })),
  },
  'Services.v1alpha1.talos.dev': {
    namespace: 'runtime',
    items: ({ services }) =>
      [...services].map(([id, { state, healthy }]) => [id, { running: state === 'Running', healthy, unknown: false }]),
  },
  'Nodenames.kubernetes.talos.dev': {
    namespace: 'k8s',
    items: one('nodename', ({ options }) => ({
      nodename: options.name,
      hostnameVersion: '1',
      skipNodeRegistration: false,
    })),
  },
  'KubeletSpecs.kubernetes.talos.dev': { namespace: 'k8s', sensitive: true, items: () => [] },
  'MachineTypes.config.talos.dev': {
    namespace: 'config',
    items: one('machine-type', ({ options }) => options.role),
  },
  'MachineConfigs.config.talos.dev': { namespace: 'config', sensitive: true, items: () => [] },
  'HostnameStatuses.net.talos.dev': {
    namespace: 'network',
    items: one('hostname', ({ options }) => ({ hostname: options.name, domainname: '' })),
  },
  'SystemInformations.hardware.talos.dev': {
    namespace: 'hardware',
    items: one('systeminformation', ({ options }) => ({
      manufacturer: 'Lab',
      productName: 'Node',
      version: '1',
      serialnumber: options.name,
      uuid: uuidOf(options.name),
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

const namespaces = new Set(Object.values(kinds).map((kind) => kind?.namespace))

/**
 * COSI's state API as apid serves it: reading only, and only what is known (cosi-project/runtime, siderolabs/talos).
 */
export function serveResources(machine: Machine): ServiceImpl<typeof State> {
  function list(namespace: string, type: string, context: HandlerContext): Resource[] {
    const kind = kinds[type]
    if (!kind || minorOf(machine.running.version) < (kind.since ?? 0))
      throw new ConnectError(`resource type "${type}" is not supported`, Code.PermissionDenied)
    if (!namespaces.has(namespace))
      throw new ConnectError(`namespace "${namespace}" is not supported`, Code.PermissionDenied)
    if (kind.sensitive && !context.values.get(callerRoles).includes('os:admin')) throw notAuthorized()
    if (namespace !== kind.namespace) return []
    return kind.items(machine).map(([id, spec]) =>
      create(ResourceSchema, {
        metadata: { namespace, type, id, version: String(machine.revision), phase: 'running' },
        spec: { yamlSpec: stringify(spec) },
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
  }
}

/** Layers in their order; the last one is virtual and carries the schematic (siderolabs/image-factory). */
function extensionsOf({ options, running }: Machine): Items {
  const official = options.extensionsOf?.(running.schematic)
  const extensions =
    official?.map((name) => ({ name: name.replace(/^siderolabs\//, ''), version: running.version })) ??
    options.extensions ??
    []
  const names = extensions.map(({ name }) => `siderolabs/${name}`)
  const customization = names.length > 0 ? { systemExtensions: { officialExtensions: names } } : {}
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
      extraInfo: stringify({ customization }),
    },
  }
  return [...layers, schematic].map((layer, index) => [String(index), layer] as const)
}

function uuidOf(name: string): string {
  const hex = createHash('sha256').update(`node/${name}`).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}
