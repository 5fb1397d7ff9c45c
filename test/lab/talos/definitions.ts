import type { Items } from './kinds.ts'

/** How talosctl may name a type, and the columns that it shows of it. */
interface Definition {
  /** Besides those that follow from the type's name. */
  readonly aliases?: readonly string[]
  /** Headings, with a JSONPath into the YAML. */
  readonly columns?: Readonly<Record<string, string>>
}

/** As each type registers itself (siderolabs/talos pkg/machinery/resources). */
const definitions: Partial<Record<string, Definition>> = {
  'APIServerConfigs.kubernetes.talos.dev': {},
  'BootIDs.runtime.talos.dev': { columns: { 'Boot ID': '{.bootID}' } },
  'BootedEntries.talos.dev': { columns: { 'Booted Entry': '{.bootedEntry}' } },
  'Diagnostics.runtime.talos.dev': { columns: { Message: '{.message}' } },
  'EtcdMembers.etcd.talos.dev': { columns: { 'Member ID': '{.memberID}' } },
  'ExtensionStatuses.runtime.talos.dev': {
    aliases: ['extensions'],
    columns: { Name: '{.metadata.name}', Version: '{.metadata.version}' },
  },
  'HostnameStatuses.net.talos.dev': {
    aliases: ['hostname'],
    columns: { Hostname: '{.hostname}', Domainname: '{.domainname}' },
  },
  'Identities.cluster.talos.dev': { columns: { ID: '{.nodeId}' } },
  'ImageFactorySchematics.runtime.talos.dev': {
    columns: { 'Schematic ID': '{.schematicId}', Flavor: '{.flavor}', 'API URL': '{.apiUrl}' },
  },
  'Infos.cluster.talos.dev': { columns: { 'Cluster ID': '{.clusterId}', 'Cluster Name': '{.clusterName}' } },
  'KernelCmdlines.runtime.talos.dev': { aliases: ['cmdline'], columns: { Cmdline: '{.cmdline}' } },
  'MachineStatuses.runtime.talos.dev': { columns: { Stage: '{.stage}', Ready: '{.status.ready}' } },
  'MachineTypes.config.talos.dev': { columns: { Type: '{@}' } },
  'Members.cluster.talos.dev': {
    columns: {
      Hostname: '{.hostname}',
      'Machine Type': '{.machineType}',
      OS: '{.operatingSystem}',
      Addresses: '{.addresses}',
    },
  },
  'MetaKeys.runtime.talos.dev': { aliases: ['meta'], columns: { Value: '{.value}' } },
  'Namespaces.meta.cosi.dev': { aliases: ['ns'] },
  'NetworkStatuses.net.talos.dev': {
    aliases: ['netstatus', 'netstatuses'],
    columns: {
      Address: '{.addressReady}',
      Connectivity: '{.connectivityReady}',
      Hostname: '{.hostnameReady}',
      Etc: '{.etcFilesReady}',
    },
  },
  'NodeAddresses.net.talos.dev': { columns: { Addresses: '{.addresses}', SortAlgorithm: '{.sortAlgorithm}' } },
  'NodeStatuses.kubernetes.talos.dev': { columns: { Ready: '{.nodeReady}', Unschedulable: '{.unschedulable}' } },
  'Nodenames.kubernetes.talos.dev': { columns: { Nodename: '{.nodename}' } },
  'PlatformMetadatas.talos.dev': {
    columns: { Platform: '{.platform}', Type: '{.instanceType}', Region: '{.region}', Zone: '{.zone}' },
  },
  'ResourceDefinitions.meta.cosi.dev': { aliases: ['api-resources'], columns: { Aliases: '{.aliases[:]}' } },
  'SecurityStates.talos.dev': {
    columns: {
      SecureBoot: '{.secureBoot}',
      UKISigningKeyFingerprint: '{.ukiSigningKeyFingerprint}',
      PCRSigningKeyFingerprint: '{.pcrSigningKeyFingerprint}',
      SELinuxState: '{.selinuxState}',
    },
  },
  'Services.v1alpha1.talos.dev': {
    aliases: ['svc'],
    columns: { Running: '{.running}', Healthy: '{.healthy}', 'Health Unknown': '{.unknown}' },
  },
  'StaticPodStatuses.kubernetes.talos.dev': {
    aliases: ['podstatus'],
    columns: { Ready: '{.conditions[?(@.type=="Ready")].status}' },
  },
  'SystemDisks.block.talos.dev': { columns: { Disk: '{.diskID}' } },
  'SystemInformations.hardware.talos.dev': {
    columns: {
      Manufacturer: '{.manufacturer}',
      ProductName: '{.productName}',
      Version: '{.version}',
      SerialNumber: '{.serialnumber}',
      UUID: '{.uuid}',
      WakeUpType: '{.wakeUpType}',
    },
  },
  'LinkStatuses.net.talos.dev': {
    aliases: ['link', 'links'],
    columns: { Kind: '{.kind}', 'Hw Addr': '{.hardwareAddr}' },
  },
  'EthernetStatuses.net.talos.dev': { aliases: ['ethtool'], columns: { Link: '{.linkState}' } },
  'TimeStatuses.v1alpha1.talos.dev': { columns: { Synced: '{.synced}' } },
  'Versions.runtime.talos.dev': { columns: { Name: '{.name}', Version: '{.version}' } },
  'VolumeStatuses.block.talos.dev': {
    columns: { Type: '{.type}', Phase: '{.phase}', Location: '{.location}', Size: '{.prettySize}' },
  },
}

/** What of a kind its definition needs. */
export interface Defined {
  readonly type: string
  readonly namespace: string
  readonly sensitive?: boolean
}

/** The definitions of these types, by their ids: what talosctl finds a type and its default namespace in. */
export function definitionsOf(types: readonly Defined[]): Items {
  const sorted = types.toSorted((a, b) => (a.type.toLowerCase() < b.type.toLowerCase() ? -1 : 1))
  return sorted.map(({ type, namespace, sensitive = false }) => {
    const { aliases: own = [], columns = {} } = definitions[type] ?? {}
    const [name = '', ...suffix] = type.split('.')
    const displayType = singular(name)
    const capitals = name.replaceAll(/[^A-Z]/g, '').toLowerCase()
    const initials = capitals.length < 2 ? [] : capitals.endsWith('s') ? [capitals] : [capitals, `${capitals}s`]
    const aliases = [...own, displayType.toLowerCase(), ...initials]
    const qualified = suffix.map((_, parts) => [name.toLowerCase(), ...suffix.slice(0, parts)].join('.'))
    const spec = {
      type,
      displayType,
      defaultNamespace: namespace,
      aliases,
      allAliases: [...qualified, ...aliases],
      printColumns: Object.entries(columns).map(([heading, jsonPath]) => ({ name: heading, jsonPath })),
      ...(sensitive ? { sensitivity: 'sensitive' } : {}),
    }
    return [type.toLowerCase(), spec] as const
  })
}

function singular(name: string): string {
  if (name.endsWith('ies')) return `${name.slice(0, -3)}y`
  return name.replace(/(?<=(?:ss|us|x|ch|Status)e)s$|s$/, '').replace(/(Address|Status)e$/, '$1')
}
