import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/**
 * A message by its YAML: number and type of each key's field. `address` and `prefix` are Talos' NetIP and NetIPPrefix,
 * a record of words an enum, a list of one a message within.
 */
type Type = 'text' | 'bool' | 'number' | 'address' | 'prefix' | readonly string[] | { readonly of: Shape }
export type Shape = Readonly<Record<string, readonly [number: number, type: Type]>>

const stages = [
  'unknown',
  'booting',
  'installing',
  'maintenance',
  'running',
  'rebooting',
  'shutting down',
  'resetting',
  'upgrading',
]
const machineTypes = ['unknown', 'init', 'controlplane', 'worker']
const volumeTypes = ['partition', 'disk', 'tmpfs', 'directory', 'symlink', 'overlay', 'external']
const volumePhases = ['waiting', 'failed', 'missing', 'located', 'provisioned', 'prepared', 'ready', 'closed']

/** The messages that clients read, by type (siderolabs/talos api/resource/definitions). `` is the whole of a scalar. */
const shapes: Partial<Record<string, Shape>> = {
  'MachineStatuses.runtime.talos.dev': {
    stage: [1, stages],
    status: [
      2,
      { of: { ready: [1, 'bool'], unmetConditions: [2, { of: { name: [1, 'text'], reason: [2, 'text'] } }] } },
    ],
  },
  'BootIDs.runtime.talos.dev': { bootID: [1, 'text'] },
  'Versions.runtime.talos.dev': { version: [1, 'text'], name: [2, 'text'] },
  'ExtensionStatuses.runtime.talos.dev': {
    image: [1, 'text'],
    metadata: [
      2,
      {
        of: {
          name: [1, 'text'],
          version: [2, 'text'],
          author: [3, 'text'],
          description: [4, 'text'],
          compatibility: [5, { of: { talos: [1, { of: { version: [1, 'text'] } }] } }],
          extraInfo: [6, 'text'],
        },
      },
    ],
  },
  'ImageFactorySchematics.runtime.talos.dev': { schematicId: [1, 'text'], flavor: [2, 'text'], apiUrl: [3, 'text'] },
  'MetaKeys.runtime.talos.dev': { value: [1, 'text'] },
  'BootedEntries.talos.dev': { bootedEntry: [1, 'text'] },
  'SecurityStates.talos.dev': {
    secureBoot: [1, 'bool'],
    ukiSigningKeyFingerprint: [2, 'text'],
    pcrSigningKeyFingerprint: [3, 'text'],
    selinuxState: [4, ['disabled', 'enabled, permissive', 'enabled, enforcing']],
    bootedWithUKI: [5, 'bool'],
  },
  'PlatformMetadatas.talos.dev': { platform: [1, 'text'], hostname: [2, 'text'] },
  'KernelCmdlines.runtime.talos.dev': { cmdline: [1, 'text'] },
  'Diagnostics.runtime.talos.dev': { message: [1, 'text'], details: [2, 'text'] },
  'Services.v1alpha1.talos.dev': { running: [1, 'bool'], healthy: [2, 'bool'], unknown: [3, 'bool'] },
  'Nodenames.kubernetes.talos.dev': {
    nodename: [1, 'text'],
    hostnameVersion: [2, 'text'],
    skipNodeRegistration: [3, 'bool'],
  },
  'NodeStatuses.kubernetes.talos.dev': { nodename: [1, 'text'], nodeReady: [2, 'bool'], unschedulable: [3, 'bool'] },
  'KubeletConfigs.kubernetes.talos.dev': { image: [1, 'text'], clusterDNS: [2, 'text'], clusterDomain: [3, 'text'] },
  'BootstrapManifestsConfigs.kubernetes.talos.dev': {},
  'MachineTypes.config.talos.dev': { '': [1, machineTypes] },
  'MachineConfigs.config.talos.dev': { '': [1, 'text'] },
  'HostnameStatuses.net.talos.dev': { hostname: [1, 'text'], domainname: [2, 'text'] },
  'NodeAddresses.net.talos.dev': { addresses: [1, 'prefix'], sortAlgorithm: [2, ['v1', 'v2']] },
  'NetworkStatuses.net.talos.dev': {
    addressReady: [1, 'bool'],
    connectivityReady: [2, 'bool'],
    hostnameReady: [3, 'bool'],
    etcFilesReady: [4, 'bool'],
  },
  'TimeStatuses.v1alpha1.talos.dev': { synced: [1, 'bool'], epoch: [2, 'number'], syncDisabled: [3, 'bool'] },
  'SystemInformations.hardware.talos.dev': {
    manufacturer: [1, 'text'],
    productName: [2, 'text'],
    version: [3, 'text'],
    serialnumber: [4, 'text'],
    uuid: [5, 'text'],
    wakeUpType: [6, 'text'],
  },
  'EtcdMembers.etcd.talos.dev': { memberID: [1, 'text'] },
  'Identities.cluster.talos.dev': { nodeId: [1, 'text'] },
  'Infos.cluster.talos.dev': { clusterId: [1, 'text'], clusterName: [2, 'text'] },
  'Members.cluster.talos.dev': {
    nodeId: [1, 'text'],
    addresses: [2, 'address'],
    hostname: [3, 'text'],
    machineType: [4, machineTypes],
    operatingSystem: [5, 'text'],
    controlPlane: [6, { of: { port: [1, 'number'] } }],
  },
  'VolumeStatuses.block.talos.dev': {
    phase: [1, volumePhases],
    location: [2, 'text'],
    size: [9, 'number'],
    prettySize: [13, 'text'],
    type: [16, volumeTypes],
  },
  'SystemDisks.block.talos.dev': { diskID: [1, 'text'], devPath: [2, 'text'] },
  'Namespaces.meta.cosi.dev': { description: [1, 'text'] },
  'ResourceDefinitions.meta.cosi.dev': {
    type: [1, 'text'],
    displayType: [2, 'text'],
    defaultNamespace: [3, 'text'],
    aliases: [4, 'text'],
    allAliases: [5, 'text'],
    printColumns: [6, { of: { name: [1, 'text'], jsonPath: [2, 'text'] } }],
    sensitivity: [7, ['', 'sensitive']],
  },
}

/** A resource's spec as a message, which real clients read in place of the YAML; empty where nobody does. */
export function protoSpecOf(type: string, spec: unknown): Uint8Array<ArrayBuffer> {
  const shape = shapes[type]
  if (!shape) return new Uint8Array()
  return message(shape, '' in shape ? { '': spec } : (spec as Fields))
}

type Fields = Readonly<Record<string, unknown>>

function message(shape: Shape, fields: Fields): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter()
  for (const [key, [number, type]] of Object.entries(shape))
    for (const value of [fields[key]].flat()) if (value !== undefined) write(writer, number, type, value)
  return new Uint8Array(writer.finish())
}

function write(writer: BinaryWriter, number: number, type: Type, value: unknown): void {
  const nested = (bytes: Uint8Array) => writer.tag(number, WireType.LengthDelimited).bytes(bytes)
  if (type === 'text') writer.tag(number, WireType.LengthDelimited).string(String(value))
  else if (type === 'bool') writer.tag(number, WireType.Varint).bool(value === true)
  else if (type === 'number') writer.tag(number, WireType.Varint).uint64(BigInt(value as number))
  else if (type === 'address') nested(addressOf(String(value)))
  else if (type === 'prefix') nested(prefixOf(String(value)))
  else if ('of' in type) nested(message(type.of, value as Fields))
  else writer.tag(number, WireType.Varint).int32(Math.max(0, type.indexOf(String(value))))
}

function addressOf(address: string): Uint8Array {
  return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(bytesOf(address)).finish()
}

function prefixOf(prefix: string): Uint8Array {
  const [address = '', length] = prefix.split('/')
  return Buffer.concat([addressOf(address), new BinaryWriter().tag(2, WireType.Varint).int32(Number(length)).finish()])
}

/** Of IPv4: the lab has no others. */
function bytesOf(address: string): Uint8Array {
  return Uint8Array.from(address.split('.'), Number)
}
