import { AgentError } from '../errors.ts'
import {
  auditPolicy,
  controlPlaneLabel,
  dnsDomain,
  excludeFromLoadBalancers,
  kubeletImage,
  kubernetesImage,
  podSecurity,
  podSubnets,
  prismPort,
  serviceSubnets,
} from './defaults.ts'
import { apiVersion, type ConfigDocument, type MachineConfig } from './document.ts'
import type { Origin } from './origin.ts'
import type { KeyPair } from './secrets.ts'
import type { Mapping, Value } from './tree.ts'

/** The shape of Talos 1.14: a document for each subject. */
export function generateDocuments(origin: Origin): MachineConfig {
  const isControlPlane = origin.role === 'controlplane'
  return [
    legacyOf(origin),
    ...(origin.discovery
      ? [documentOf('DiscoveryServiceConfig', { name: 'default', endpoint: 'https://discovery.talos.dev/' })]
      : []),
    ...machineDocuments(origin),
    ...nodeDocuments(origin),
    ...(isControlPlane ? [...policyDocuments(origin), ...serverDocuments(origin)] : []),
  ]
}

function documentOf(kind: string, settings: Mapping<Value>): ConfigDocument {
  return { apiVersion, kind, ...settings }
}

function legacyOf({ role, secrets }: Origin): ConfigDocument {
  const { certs, trustdinfo, secrets: tokens } = secrets
  const isControlPlane = role === 'controlplane'
  return {
    version: apiVersion,
    debug: false,
    persist: true,
    machine: {
      type: role,
      token: trustdinfo.token,
      ca: isControlPlane ? { ...certs.os } : { crt: certs.os.crt, key: '' },
      certSANs: [],
      features: { diskQuotaSupport: true },
    },
    cluster: { token: tokens.bootstraptoken, ...(isControlPlane ? { etcd: { ca: { ...certs.etcd } } } : {}) },
  }
}

function machineDocuments({ secrets, disk, installer }: Origin): readonly ConfigDocument[] {
  return [
    documentOf('DiscoveryIdentityConfig', { clusterID: secrets.cluster.id, clusterSecret: secrets.cluster.secret }),
    documentOf('UnattendedInstallConfig', {
      installer: { image: installer },
      provisioning: {
        ...(disk === undefined ? {} : { diskSelector: { match: `disk.dev_path == ${JSON.stringify(disk)}` } }),
        wipe: false,
      },
    }),
    documentOf('ResolverConfig', { hostDNS: { enabled: true, forwardKubeDNSToHost: true } }),
    documentOf('VolumeConfig', { name: 'EPHEMERAL', mount: { secure: true } }),
    documentOf('FilesystemTrimConfig', { interval: '168h0m0s' }),
    documentOf('SecurityProfileConfig', { workloadIsolation: true }),
    documentOf('HostnameConfig', { auto: 'stable' }),
  ]
}

function nodeDocuments({ role, secrets, cluster, kubernetes }: Origin): readonly ConfigDocument[] {
  const isControlPlane = role === 'controlplane'
  const { k8s } = secrets.certs
  return [
    documentOf('KubeClusterConfig', { clusterName: cluster.name, endpoint: cluster.endpoint }),
    documentOf('KubeNodeConfig', {
      nodeIP: {},
      ...(isControlPlane
        ? {
            labels: { [controlPlaneLabel]: '', [excludeFromLoadBalancers]: '' },
            taints: { [controlPlaneLabel]: 'NoSchedule' },
          }
        : {}),
    }),
    documentOf('KubeletConfig', {
      image: kubeletImage(kubernetes),
      config: {},
      defaultRuntimeSeccompProfileEnabled: true,
    }),
    documentOf('KubeNetworkConfig', { dnsDomain, podSubnets, serviceSubnets }),
    documentOf('KubeAPIServerCAConfig', isControlPlane ? { issuingCA: plain(k8s) } : { acceptedCAs: [atob(k8s.crt)] }),
    documentOf('KubePrismConfig', { port: prismPort }),
  ]
}

/** In these documents PEM stands as it is. */
const plain = ({ crt, key }: KeyPair): Value => ({ cert: atob(crt), key: atob(key) })

function policyDocuments({ secrets, cluster }: Origin): readonly ConfigDocument[] {
  const { certs } = secrets
  return [
    documentOf('KubeAggregatorCAConfig', { issuingCA: plain(certs.k8saggregator) }),
    documentOf('KubeAdmissionControlConfig', { name: 'PodSecurity', configuration: podSecurity }),
    documentOf('KubeAuditPolicyConfig', { configuration: auditPolicy }),
    documentOf('KubeAuthenticationConfig', {
      configuration: {
        anonymous: { enabled: true, conditions: [{ path: '/livez' }, { path: '/readyz' }, { path: '/healthz' }] },
        jwt: [],
      },
    }),
    documentOf('KubeAuthorizerConfig', { name: 'node', type: 'Node' }),
    documentOf('KubeAuthorizerConfig', { name: 'rbac', type: 'RBAC' }),
    documentOf('KubeEtcdEncryptionConfig', { config: encryptionOf(secrets.secrets) }),
    documentOf('KubeServiceAccountConfig', {
      issuer: { privateKey: atob(certs.k8sserviceaccount.key), issuerURL: cluster.endpoint },
    }),
  ]
}

/**
 * talosctl 1.14.1 writes an AES-CBC secret as one for secretbox, and what is encrypted in etcd would become unreadable
 * (siderolabs/talos, generate/kubernetes.go).
 */
function encryptionOf({ secretboxencryptionsecret: secret }: Origin['secrets']['secrets']): Value {
  if (secret === undefined)
    throw new AgentError(
      'misconfigured',
      'the secrets bundle has an AES-CBC secret: the documents of Talos 1.14 cannot say so; use the contract of 1.13',
    )
  return { resources: [{ resources: ['secrets'], providers: [{ secretbox: { keys: [{ name: 'key2', secret }] } }] }] }
}

function serverDocuments({ kubernetes }: Origin): readonly ConfigDocument[] {
  const image = (name: string) => kubernetesImage(name, kubernetes)
  return [
    documentOf('KubeAPIServerConfig', { image: image('apiserver') }),
    documentOf('KubeControllerManagerConfig', { image: image('controller-manager') }),
    documentOf('KubeSchedulerConfig', { image: image('scheduler'), config: {} }),
    documentOf('KubeProxyConfig', { image: image('proxy'), config: {} }),
    documentOf('KubeFlannelCNIConfig', { backendType: 'vxlan', backendPort: 4_789 }),
    documentOf('KubeCoreDNSConfig', { enabled: true }),
  ]
}
