import { createHash } from 'node:crypto'
import { stringify } from 'yaml'
import type { Machine } from './machine.ts'
import { minorOf } from './phases.ts'

export type Items = readonly (readonly [id: string, spec: unknown])[]

/** A resource type: its namespace, the release that brought it, and what there is of it now. */
export interface Kind {
  readonly namespace: string
  readonly since?: number
  /** Only for admins. */
  readonly sensitive?: boolean
  items(machine: Machine): Items
}

/** The one resource of a kind. */
export const one = (id: string, spec: (machine: Machine) => unknown) => (machine: Machine) =>
  [[id, spec(machine)]] as const

/** Only on control planes. */
const ofControlPlane =
  (items: (machine: Machine) => Items) =>
  (machine: Machine): Items =>
    machine.options.role === 'controlplane' ? items(machine) : []

const gibibyte = 2 ** 30
const components = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const

/** What a node has besides what Caretaker asks for: for talosctl's `get` and `health` (pkg/cluster/check). */
export const otherKinds: Readonly<Record<string, Kind>> = {
  'Diagnostics.runtime.talos.dev': { namespace: 'runtime', items: () => [] },
  'TimeStatuses.v1alpha1.talos.dev': {
    namespace: 'runtime',
    items: one('node', ({ faults }) => ({ synced: faults.timeServer === undefined, epoch: 1, syncDisabled: false })),
  },
  'LinkStatuses.net.talos.dev': {
    namespace: 'network',
    items: ({ options, faults }) => [
      ['enp1s0', { ...link(options.mac ?? '02:00:00:00:00:01', !faults.cableOut), index: 2 }],
      ['lo', { ...link('00:00:00:00:00:00', true), index: 1, type: 'loopback' }],
      ['flannel.1', { ...link('02:00:00:00:ff:01', true), index: 3, kind: 'vxlan' }],
    ],
  },
  'AddressStatuses.net.talos.dev': {
    namespace: 'network',
    items: ({ options }) =>
      [
        ['enp1s0', 2, `${options.address}/24`] as const,
        ['flannel.1', 3, '10.244.0.0/32'] as const,
        ['lo', 1, '127.0.0.1/8'] as const,
      ].map(([linkName, linkIndex, address]) => [
        `${linkName}/${address}`,
        { address, linkIndex, linkName, family: 'inet4', scope: 'global', flags: 'permanent' },
      ]),
  },
  'Disks.block.talos.dev': {
    namespace: 'runtime',
    items: () => [
      ['loop0', { dev_path: '/dev/loop0', size: 75_000_000, pretty_size: '75 MB', readonly: true }],
      [
        'sda',
        { dev_path: '/dev/sda', size: 500_000_000_000, pretty_size: '500 GB', readonly: false, model: 'LAB SSD' },
      ],
    ],
  },
  'EthernetStatuses.net.talos.dev': {
    namespace: 'network',
    // Talos tells what wakes a machine from 1.12 on, and leaves an empty list out.
    items: ({ running, faults: { wakesBy = [] } }) => [
      [
        'enp1s0',
        { linkState: true, ...(minorOf(running.version) >= 12 && wakesBy.length > 0 ? { wakeOnLAN: wakesBy } : {}) },
      ],
    ],
  },
  'SystemDisks.block.talos.dev': {
    namespace: 'runtime',
    items: ({ options }) => (options.served ? [] : [['system-disk', { diskID: 'sda', devPath: '/dev/sda' }]]),
  },
  'VolumeStatuses.block.talos.dev': {
    namespace: 'runtime',
    items: () => [
      ['EPHEMERAL', volume('/dev/sda6', 100)],
      ['META', volume('/dev/sda4', 1 / 1024)],
      ['STATE', volume('/dev/sda5', 100 / 1024)],
    ],
  },
  'NetworkStatuses.net.talos.dev': {
    namespace: 'network',
    items: one('status', () => ({
      addressReady: true,
      connectivityReady: true,
      hostnameReady: true,
      etcFilesReady: true,
    })),
  },
  'NodeAddresses.net.talos.dev': {
    namespace: 'network',
    items: ({ options }) =>
      ['accumulative', 'current', 'default', 'routed'].map((id) => [
        id,
        { addresses: [`${options.address}/24`], sortAlgorithm: 'v1' },
      ]),
  },
  'Infos.cluster.talos.dev': {
    namespace: 'cluster',
    items: one('current', () => ({ clusterId: digestOf('cluster'), clusterName: 'lab' })),
  },
  'Members.cluster.talos.dev': { namespace: 'cluster', items: membersOf },
  'KubeletConfigs.kubernetes.talos.dev': {
    namespace: 'k8s',
    sensitive: true,
    items: one('kubelet', () => ({
      image: 'ghcr.io/siderolabs/kubelet:v1.36.3',
      clusterDNS: ['10.96.0.10'],
      clusterDomain: 'cluster.local',
    })),
  },
  'NodeStatuses.kubernetes.talos.dev': {
    namespace: 'k8s',
    items: ({ options, conditions }) =>
      conditions.has('nodeReady')
        ? []
        : [[options.name, { nodename: options.name, nodeReady: true, unschedulable: false }]],
  },
  'StaticPodStatuses.kubernetes.talos.dev': {
    namespace: 'k8s',
    items: ofControlPlane(({ options, services }) =>
      services.get('kubelet')?.healthy
        ? components.map((name) => [
            `kube-system/${name}-${options.name}`,
            { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
          ])
        : [],
    ),
  },
  'APIServerConfigs.kubernetes.talos.dev': component('kube-apiserver'),
  'ControllerManagerConfigs.kubernetes.talos.dev': component('kube-controller-manager'),
  'SchedulerConfigs.kubernetes.talos.dev': component('kube-scheduler'),
  'BootstrapManifestsConfigs.kubernetes.talos.dev': {
    namespace: 'controlplane',
    sensitive: true,
    items: ofControlPlane(
      one('manifests', () => ({ proxyEnabled: true, coreDNSEnabled: true, flannelEnabled: true, cniName: 'flannel' })),
    ),
  },
  'MachineConfigs.config.talos.dev': {
    namespace: 'config',
    sensitive: true,
    items: (machine) => ['v1alpha1', 'persistent'].map((id) => [id, configOf(machine)]),
  },
}

/** A network card as the kernel shows it; one that is no card has a kind. */
function link(hardwareAddr: string, linkState: boolean) {
  return {
    type: 'ether',
    kind: '',
    hardwareAddr,
    permanentAddr: hardwareAddr,
    mtu: 1500,
    operationalState: 'up',
    linkState,
  }
}

function component(name: (typeof components)[number]): Kind {
  const image = `registry.k8s.io/${name}:v1.36.3`
  return { namespace: 'controlplane', sensitive: true, items: ofControlPlane(one(name, () => ({ image }))) }
}

function volume(location: string, gibibytes: number): unknown {
  const size = Math.round(gibibytes * gibibyte)
  const prettySize = gibibytes >= 1 ? `${gibibytes} GB` : `${Math.round(gibibytes * 1024)} MB`
  return { phase: 'ready', type: 'partition', location, size, prettySize }
}

/** The cluster as discovery sees it: whoever has power. */
function membersOf({ options, running }: Machine): Items {
  const { name, role, address } = options
  const peers = options.peers?.() ?? [{ name, role, address, version: running.version, power: 'on' }]
  return peers
    .filter(({ power }) => power === 'on')
    .map((peer) => [
      peer.name,
      {
        nodeId: digestOf(peer.name),
        addresses: [peer.address],
        hostname: peer.name,
        machineType: peer.role,
        operatingSystem: `Talos (${peer.version})`,
        ...(peer.role === 'controlplane' ? { controlPlane: { port: 6443 } } : {}),
      },
    ])
}

/** The least that talosctl reads as a machine's configuration: without a single key. */
function configOf({ options, running }: Machine): string {
  const isControlPlane = options.role === 'controlplane'
  const ca = { crt: Buffer.from(options.authority.ca).toString('base64'), key: '' }
  const kubelet = { image: 'ghcr.io/siderolabs/kubelet:v1.36.3' }
  const install = {
    disk: '/dev/sda',
    image: `factory.talos.dev/metal-installer/${running.schematic}:${running.version}`,
  }
  return stringify({
    version: 'v1alpha1',
    machine: { type: options.role, token: '', ca, kubelet, install },
    cluster: {
      clusterName: 'lab',
      controlPlane: { endpoint: `https://${options.address}:6443` },
      network: { dnsDomain: 'cluster.local', podSubnets: ['10.244.0.0/16'], serviceSubnets: ['10.96.0.0/12'] },
      token: '',
      ca,
      ...(isControlPlane ? { etcd: { ca } } : {}),
    },
  })
}

/** The namespaces that Talos registers, with what it says of each (v1alpha2_state.go). */
export const namespaces: Items = [
  ['cluster', 'Cluster configuration and discovery resources.'],
  ['cluster-raw', 'Cluster unmerged raw resources.'],
  ['config', 'Talos node configuration.'],
  ['controlplane', 'Kubernetes control plane resources.'],
  ['cri', 'CRI Seccomp resources.'],
  ['etcd', 'etcd resources.'],
  ['files', 'Files and file-like resources.'],
  ['hardware', 'Hardware resources.'],
  ['k8s', 'Kubernetes all node types resources.'],
  ['kubespan', 'KubeSpan resources.'],
  ['meta', 'COSI metadata resources.'],
  ['network', 'Networking resources.'],
  ['network-config', 'Networking configuration resources.'],
  ['perf', 'Stats resources.'],
  ['runtime', 'Talos v1alpha1 subsystems glue resources.'],
  ['secrets', 'Resources with secret material.'],
].map(([id, description]) => [id!, { description }])

/** Is this kind there on that release? */
export function isServed({ since = 0 }: Kind, version: string): boolean {
  return minorOf(version) >= since
}

function digestOf(text: string): string {
  return createHash('sha256').update(`lab/${text}`).digest('base64')
}
