import {
  auditPolicy,
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
import type { Contract, Origin } from './origin.ts'
import type { Mapping, Value } from './tree.ts'

/** The shape before Talos 1.14: nearly all in one document. */
export function generateLegacy(origin: Origin, contract: Exclude<Contract, '1.14'>): MachineConfig {
  const legacy: ConfigDocument = {
    version: apiVersion,
    debug: false,
    persist: true,
    machine: machineOf(origin, contract),
    cluster: clusterOf(origin),
  }
  return [legacy, { apiVersion, kind: 'HostnameConfig', auto: 'stable' }]
}

function machineOf({ role, secrets, kubernetes, disk, installer }: Origin, contract: Contract): Value {
  const isControlPlane = role === 'controlplane'
  return {
    type: role,
    token: secrets.trustdinfo.token,
    ca: isControlPlane ? { ...secrets.certs.os } : { crt: secrets.certs.os.crt, key: '' },
    certSANs: [],
    kubelet: {
      image: kubeletImage(kubernetes),
      defaultRuntimeSeccompProfileEnabled: true,
      disableManifestsDirectory: true,
    },
    ...(contract === '1.12' ? { network: {} } : {}),
    install: { ...(disk === undefined ? {} : { disk }), image: installer, wipe: false, grubUseUKICmdline: true },
    features: {
      diskQuotaSupport: true,
      kubePrism: { enabled: true, port: prismPort },
      hostDNS: { enabled: true, forwardKubeDNSToHost: true },
    },
    ...(isControlPlane ? { nodeLabels: { [excludeFromLoadBalancers]: '' } } : {}),
  }
}

function clusterOf(origin: Origin): Value {
  const { role, secrets, cluster, discovery } = origin
  const { certs } = secrets
  return {
    id: secrets.cluster.id,
    secret: secrets.cluster.secret,
    controlPlane: { endpoint: cluster.endpoint },
    clusterName: cluster.name,
    network: { dnsDomain, podSubnets, serviceSubnets },
    token: secrets.secrets.bootstraptoken,
    ca: role === 'controlplane' ? { ...certs.k8s } : { crt: certs.k8s.crt, key: '' },
    ...(role === 'controlplane' ? controlPlaneOf(origin) : {}),
    discovery: { enabled: discovery, registries: { kubernetes: { disabled: true }, service: {} } },
  }
}

function controlPlaneOf({ secrets, kubernetes }: Origin): Mapping<Value> {
  const { certs } = secrets
  const { secretboxencryptionsecret: secretbox, aescbcencryptionsecret: aescbc } = secrets.secrets
  return {
    ...(secretbox === undefined ? {} : { secretboxEncryptionSecret: secretbox }),
    ...(aescbc === undefined ? {} : { aescbcEncryptionSecret: aescbc }),
    aggregatorCA: { ...certs.k8saggregator },
    serviceAccount: { ...certs.k8sserviceaccount },
    apiServer: {
      image: kubernetesImage('apiserver', kubernetes),
      admissionControl: [{ name: 'PodSecurity', configuration: podSecurity }],
      auditPolicy,
    },
    controllerManager: { image: kubernetesImage('controller-manager', kubernetes) },
    proxy: { image: kubernetesImage('proxy', kubernetes) },
    scheduler: { image: kubernetesImage('scheduler', kubernetes) },
    etcd: { ca: { ...certs.etcd } },
  }
}
