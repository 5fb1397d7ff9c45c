import { AgentError } from '../../core/errors.ts'
import type { ClusterMember, SurveyedDisk, SurveyedLink, SurveyedMachine } from '../../core/setup/seen.ts'
import { readMachineId } from './boot-facts.ts'
import { asRecord, readOptional, readSpecs, type ResourceKind, roleOf, textOf } from './resources.ts'
import type { Session } from './session.ts'

/** Resources by which a machine describes itself (siderolabs/talos pkg/machinery/resources). */
const kinds = {
  machineType: { namespace: 'config', type: 'MachineTypes.config.talos.dev', id: 'machine-type' },
  nodename: { namespace: 'k8s', type: 'Nodenames.kubernetes.talos.dev', id: 'nodename' },
  hostname: { namespace: 'network', type: 'HostnameStatuses.net.talos.dev', id: 'hostname' },
  factory: { namespace: 'runtime', type: 'ImageFactorySchematics.runtime.talos.dev', id: 'image-factory-schematic' },
  systemDisk: { namespace: 'runtime', type: 'SystemDisks.block.talos.dev', id: 'system-disk' },
  extensions: { namespace: 'runtime', type: 'ExtensionStatuses.runtime.talos.dev' },
  members: { namespace: 'cluster', type: 'Members.cluster.talos.dev' },
  links: { namespace: 'network', type: 'LinkStatuses.net.talos.dev' },
  addresses: { namespace: 'network', type: 'AddressStatuses.net.talos.dev' },
  ethernet: { namespace: 'network', type: 'EthernetStatuses.net.talos.dev' },
  disks: { namespace: 'runtime', type: 'Disks.block.talos.dev' },
} as const

type Specs = ReadonlyMap<string, Record<string, unknown>>

/** Everything that a configuration is drawn up from, of one machine. Only asks. What it does not tell is left out. */
export async function surveyMachine(session: Session): Promise<SurveyedMachine> {
  // A list that this Talos does not have, or does not show us, is empty.
  const list = async (kind: ResourceKind): Promise<Specs> => {
    const specs = (await readSpecs(session, kind)) ?? new Map<string, unknown>()
    return new Map([...specs].map(([id, spec]) => [id, asRecord(spec)]))
  }
  const one = async (name: Parameters<typeof readOptional>[1]) => readOptional(session, name)
  const [version, machineId, machineType, nodename, hostname, factory, systemDisk] = await Promise.all([
    session.machine.version({}),
    readMachineId(session),
    one(kinds.machineType),
    one(kinds.nodename),
    one(kinds.hostname),
    one(kinds.factory),
    one(kinds.systemDisk),
  ])
  const [extensions, members, links, addresses, ethernet, disks] = await Promise.all([
    list(kinds.extensions),
    list(kinds.members),
    list(kinds.links),
    list(kinds.addresses),
    list(kinds.ethernet),
    list(kinds.disks),
  ])
  const tag = version.messages[0]?.version?.tag
  if (!tag) throw new AgentError('malformed', 'it reports no Talos version')
  return {
    name: textOf(asRecord(nodename)['nodename']) ?? textOf(asRecord(hostname)['hostname']),
    role: roleOf(machineType),
    machineId,
    version: tag,
    architecture: textOf(version.messages[0]?.version?.arch),
    ...imageOf(extensions),
    factory: textOf(asRecord(factory)['apiUrl']),
    links: linksOf({ links, addresses, ethernet }),
    disks: disksOf(disks, asRecord(systemDisk)),
    members: [...members].map(([id, member]) => memberOf(id, member)),
  }
}

/** The Factory's virtual extension `schematic` has the schematic's id as its version, and its text. */
function imageOf(extensions: Specs): Pick<SurveyedMachine, 'schematic' | 'schematicText' | 'extensions'> {
  const layers = [...extensions.values()].map(({ metadata }) => asRecord(metadata))
  const made = layers.find(({ name }) => name === 'schematic')
  const names = layers.flatMap(({ name }) => textOf(name) ?? [])
  return {
    schematic: textOf(made?.['version']),
    schematicText: textOf(made?.['extraInfo']),
    // Every build with a kernel module adds `modules.dep`.
    extensions: names
      .filter((name) => name !== 'schematic' && name !== 'modules.dep')
      .map((name) => `siderolabs/${name}`)
      .toSorted(),
  }
}

function linksOf({
  links,
  addresses,
  ethernet,
}: {
  readonly links: Specs
  readonly addresses: Specs
  readonly ethernet: Specs
}): readonly SurveyedLink[] {
  const at = [...addresses.values()].flatMap(({ linkName, address }) => {
    const [ip] = textOf(address)?.split('/') ?? []
    return ip === undefined ? [] : [{ linkName, ip }]
  })
  return [...links].map(([name, spec]): SurveyedLink => {
    const { type, kind, hardwareAddr, permanentAddr, linkState, operationalState, index, masterIndex, linkIndex } = spec
    const ways = ethernet.get(name)?.['wakeOnLAN']
    const mac = textOf(permanentAddr) ?? textOf(hardwareAddr)
    return {
      name,
      index: numberOf(index) ?? 0,
      isCard: type === 'ether' && (textOf(kind) ?? '') === '',
      mac: mac?.toLowerCase(),
      isUp: linkState === true || operationalState === 'up',
      partOf: numberOf(masterIndex),
      standsOn: numberOf(linkIndex),
      addresses: at.filter(({ linkName }) => linkName === name).map(({ ip }) => ip),
      wakesBy: Array.isArray(ways) ? ways.map(String) : undefined,
    }
  })
}

/** 0 is no link's index. */
function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined
}

function disksOf(disks: Specs, system: Record<string, unknown>): readonly SurveyedDisk[] {
  return [...disks].flatMap(([id, spec]): SurveyedDisk[] => {
    const path = textOf(spec['dev_path']) ?? `/dev/${id}`
    // Loop devices hold Talos' own images.
    if (spec['readonly'] === true || spec['cdrom'] === true || /^(loop|zram|dm-)/.test(id)) return []
    const isSystem = id === system['diskID'] || path === system['devPath']
    return [{ path, size: textOf(spec['pretty_size']) ?? '', model: textOf(spec['model']), isSystem }]
  })
}

function memberOf(id: string, { hostname, machineType, addresses }: Record<string, unknown>): ClusterMember {
  return {
    name: textOf(hostname)?.split('.')[0] ?? id,
    role: roleOf(machineType),
    addresses: Array.isArray(addresses) ? addresses.map(String) : [],
  }
}
