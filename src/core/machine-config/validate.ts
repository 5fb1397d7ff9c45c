import { type ConfigDocument, kindOf, legacyIn, type MachineConfig, ofKind, valueAt } from './document.ts'
import { isMapping, type Value } from './tree.ts'

/**
 * Why a node would refuse a complete machine configuration for bare metal; empty where it would not. Disks are not
 * looked at: a node judges `install.disk` when it installs (siderolabs/talos, pkg/machinery/config/container/validate.go
 * and types/v1alpha1/v1alpha1_validation.go).
 */
export function refusalsOf(config: MachineConfig): readonly string[] {
  const legacy = legacyIn(config)
  if (!legacy) return ['there is no document with `machine` and `cluster`: a node with this stays in maintenance']
  return [...machineRefusals(legacy, config), ...roleRefusals(legacy, config), ...conflicts(legacy, config)]
}

function* machineRefusals(legacy: ConfigDocument, config: MachineConfig): Generator<string> {
  const at = (...path: readonly string[]) => valueAt(legacy, ...path)
  const type = at('machine', 'type')
  if (type !== 'controlplane' && type !== 'worker') yield 'machine.type has to be controlplane or worker'
  if (!isFilled(at('machine', 'token'))) yield 'machine.token is missing'
  if (!isFilled(at('machine', 'ca', 'crt'))) yield 'machine.ca.crt is missing'
  if (at('cluster') === undefined) yield 'cluster is missing'
  const endpoint = at('cluster', 'controlPlane', 'endpoint') ?? ofKind(config, 'KubeClusterConfig')?.['endpoint']
  if (!isFilled(endpoint)) yield 'cluster.controlPlane.endpoint is missing'
  else if (typeof endpoint !== 'string' || !endpoint.startsWith('https://'))
    yield 'cluster.controlPlane.endpoint has to begin with https://'
  const install = at('machine', 'install')
  if (install === undefined) return
  if (!isFilled(at('machine', 'install', 'disk')) && at('machine', 'install', 'diskSelector') === undefined)
    yield 'machine.install needs a disk or a diskSelector'
  if (
    at('machine', 'install', 'extraKernelArgs') !== undefined &&
    at('machine', 'install', 'grubUseUKICmdline') === true
  )
    yield 'machine.install.extraKernelArgs and grubUseUKICmdline exclude each other: put kernel arguments into the schematic'
}

/** Of these a worker may have none. */
const controlPlaneKinds = new Set([
  'KubeAdmissionControlConfig',
  'KubeAggregatorCAConfig',
  'KubeAPIServerConfig',
  'KubeAuditPolicyConfig',
  'KubeAuthenticationConfig',
  'KubeAuthorizerConfig',
  'KubeControllerManagerConfig',
  'KubeCoreDNSConfig',
  'KubeEtcdEncryptionConfig',
  'KubeFlannelCNIConfig',
  'KubeProxyConfig',
  'KubeSchedulerConfig',
  'KubeServiceAccountConfig',
  'KubeTalosAPIAccessConfig',
])

function* roleRefusals(legacy: ConfigDocument, config: MachineConfig): Generator<string> {
  const at = (...path: readonly string[]) => valueAt(legacy, ...path)
  if (at('machine', 'type') === 'controlplane') {
    if (!isFilled(at('machine', 'ca', 'key'))) yield 'machine.ca.key is missing: a control plane issues certificates'
    return
  }
  if (isFilled(at('machine', 'ca', 'key'))) yield 'machine.ca.key is there: a worker may not have it'
  if (isFilled(at('cluster', 'ca', 'key'))) yield 'cluster.ca.key is there: a worker may not have it'
  if (at('cluster', 'etcd') !== undefined) yield 'cluster.etcd is there: a worker may not have it'
  const interfaces = at('machine', 'network', 'interfaces')
  const withVip = Array.isArray(interfaces) && interfaces.some((one) => isMapping(one) && one['vip'] !== undefined)
  if (withVip) yield 'machine.network.interfaces has a vip: only a control plane can hold it'
  for (const kind of new Set(config.map(kindOf)))
    if (controlPlaneKinds.has(kind)) yield `${kind} is there: a worker may not have it`
}

/** What a document says, and a setting of the one without a kind says as well: Talos takes only one of them. */
const saidTwice: Readonly<Record<string, readonly string[]>> = {
  CRIBaseRuntimeSpecConfig: ['machine.baseRuntimeSpecOverrides'],
  DiscoveryIdentityConfig: ['cluster.id', 'cluster.secret'],
  DiscoveryServiceConfig: ['cluster.discovery'],
  HostnameConfig: ['machine.network.hostname'],
  ImageCacheConfig: ['machine.features.imageCache'],
  KubeAdmissionControlConfig: ['cluster.apiServer.admissionControl'],
  KubeAggregatorCAConfig: ['cluster.aggregatorCA'],
  KubeAPIServerCAConfig: ['cluster.ca'],
  KubeAPIServerConfig: ['cluster.apiServer', 'cluster.controlPlane.localAPIServerPort'],
  KubeAuditPolicyConfig: ['cluster.apiServer.auditPolicy'],
  KubeAuthorizerConfig: ['cluster.apiServer.admissionControl'],
  KubeClusterConfig: ['cluster.clusterName', 'cluster.controlPlane.endpoint'],
  KubeControllerManagerConfig: ['cluster.controllerManager', 'machine.controlPlane.controllerManager'],
  KubeCoreDNSConfig: ['cluster.coreDNS'],
  KubeCredentialProviderConfig: ['machine.kubelet'],
  KubeEtcdEncryptionConfig: ['cluster.secretboxEncryptionSecret', 'cluster.aescbcEncryptionSecret'],
  KubeFlannelCNIConfig: ['cluster.network'],
  KubeletConfig: ['machine.kubelet'],
  KubeNetworkConfig: ['cluster.network'],
  KubeNodeConfig: [
    'cluster.allowSchedulingOnControlPlanes',
    'cluster.allowSchedulingOnMasters',
    'machine.kubelet.skipNodeRegistration',
    'machine.kubelet.registerWithFQDN',
    'machine.kubelet.nodeIP',
    'machine.nodeLabels',
    'machine.nodeAnnotations',
    'machine.nodeTaints',
  ],
  KubePrismConfig: ['machine.features.kubePrism'],
  KubeProxyConfig: ['cluster.proxy'],
  KubeSchedulerConfig: ['cluster.scheduler', 'machine.controlPlane.scheduler'],
  KubeServiceAccountConfig: ['cluster.serviceAccount'],
  KubeTalosAPIAccessConfig: ['machine.features.kubernetesTalosAPIAccess'],
  ResolverConfig: [
    'machine.network.searchDomains',
    'machine.network.nameservers',
    'machine.network.disableSearchDomain',
    'machine.features.hostDNS',
  ],
}

function conflicts(legacy: ConfigDocument, config: MachineConfig): readonly string[] {
  const kinds = [...new Set(config.map(kindOf))]
  return kinds.flatMap((kind) =>
    (saidTwice[kind] ?? [])
      .filter((path) => isFilled(valueAt(legacy, ...path.split('.'))))
      .map((path) => `${path} and the document ${kind} exclude each other: say it in ${kind} alone`),
  )
}

/** `false` counts where it stands. */
function isFilled(value: Value | undefined): boolean {
  return value !== undefined && value !== null && value !== '' && value !== 0
}
