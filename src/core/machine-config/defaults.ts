import type { Value } from './tree.ts'

/** What every configuration begins with, whatever its contract. */

export const podSubnets = ['10.244.0.0/16']
export const serviceSubnets = ['10.96.0.0/12']
export const dnsDomain = 'cluster.local'
/** Of KubePrism, on every node's loopback. */
export const prismPort = 7_445

/** Pods may not do what the baseline forbids, outside of kube-system (kubernetes.io/docs/concepts/security/pod-security-admission). */
export const podSecurity: Value = {
  apiVersion: 'pod-security.admission.config.k8s.io/v1alpha1',
  kind: 'PodSecurityConfiguration',
  defaults: {
    enforce: 'baseline',
    'enforce-version': 'latest',
    audit: 'restricted',
    'audit-version': 'latest',
    warn: 'restricted',
    'warn-version': 'latest',
  },
  exemptions: { usernames: [], runtimeClasses: [], namespaces: ['kube-system'] },
}

export const auditPolicy: Value = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'Metadata' }] }

export const excludeFromLoadBalancers = 'node.kubernetes.io/exclude-from-external-load-balancers'
export const controlPlaneLabel = 'node-role.kubernetes.io/control-plane'

export const kubeletImage = (kubernetes: string) => `ghcr.io/siderolabs/kubelet:v${kubernetes}`
export const kubernetesImage = (name: string, kubernetes: string) => `registry.k8s.io/kube-${name}:v${kubernetes}`
