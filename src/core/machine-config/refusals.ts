import { kubernetesMismatch } from '../release/compatibility.ts'
import { type ConfigDocument, kindOf, legacyIn, type MachineConfig, ofKind, valueAt } from './document.ts'
import { isMapping, type Mapping, type Value } from './tree.ts'
import { refusalsOf } from './validate.ts'

/** By what a node judges a configuration beside the configuration itself. */
export interface Judges {
  /** The releases that are to take it: `v1.13.9`. */
  readonly releases: readonly string[]
  /** `1.36.3`. */
  readonly kubernetes: string
}

/** Why a node would refuse a configuration or do nothing with it; in its own words where it has some. */
export function allRefusalsOf(config: MachineConfig, judges: Judges): readonly string[] {
  const legacy = legacyIn(config)
  const basic = refusalsOf(config)
  if (!legacy) return basic
  return [
    ...basic,
    ...versionRefusals(judges),
    ...kubeletRefusals(legacy, config),
    ...networkRefusals(legacy),
    ...installRefusals(legacy, config),
    ...clusterRefusals(legacy, config),
    ...labelRefusals(legacy, config),
  ]
}

function* versionRefusals({ releases, kubernetes }: Judges): Generator<string> {
  for (const release of new Set(releases)) {
    if (kubernetesMismatch(release, kubernetes) === undefined) continue
    const isOld = kubernetesMismatch(release, kubernetes)!.includes('or later')
    const bare = release.replace(/^v/, '')
    yield `version of Kubernetes ${kubernetes} is too ${isOld ? 'old' : 'new'} to be used with Talos ${bare}`
  }
}

/** What kubelet is told by Talos alone (siderolabs/talos, pkg/machinery/kubelet/kubelet.go). */
const kubeletOwned = [
  'apiVersion',
  'authentication',
  'authorization',
  'cgroupRoot',
  'kind',
  'kubeletCgroups',
  'port',
  'protectKernelDefaults',
  'resolvConf',
  'rotateCertificates',
  'seccompDefault',
  'staticPodPath',
  'systemCgroups',
]

function* kubeletRefusals(legacy: ConfigDocument, config: MachineConfig): Generator<string> {
  for (const given of [
    valueAt(legacy, 'machine', 'kubelet', 'extraConfig'),
    ofKind(config, 'KubeletConfig')?.['config'],
  ])
    if (isMapping(given ?? null))
      for (const field of kubeletOwned)
        if (field in (given as Mapping<Value>)) yield `kubelet configuration field "${field}" can't be overridden`
}

function* networkRefusals(legacy: ConfigDocument): Generator<string> {
  const interfaces = valueAt(legacy, 'machine', 'network', 'interfaces')
  const vlans = listOf(interfaces).flatMap((one) => (isMapping(one) ? listOf(one['vlans']) : []))
  if (valueAt(legacy, 'machine', 'type') === 'worker' && vlans.some((one) => isMapping(one) && isSet(one['vip'])))
    yield 'virtual (shared) IP is not allowed on non-controlplane nodes'
}

/** Without them a node takes the configuration, and nothing is ever installed. */
function* installRefusals(legacy: ConfigDocument, config: MachineConfig): Generator<string> {
  const unattended = ofKind(config, 'UnattendedInstallConfig')
  const install = valueAt(legacy, 'machine', 'install')
  if (unattended && isSet(install))
    yield 'UnattendedInstallConfig config is incompatible with v1alpha1 config (.machine.install)'
  else if (unattended && !isSet(valueAt(unattended, 'provisioning', 'diskSelector', 'match')))
    yield 'provisioning.diskSelector.match is required'
  else if (!unattended && !isSet(install)) yield 'install instructions are required in "metal" mode'
}

function* clusterRefusals(legacy: ConfigDocument, config: MachineConfig): Generator<string> {
  const isControlPlane = valueAt(legacy, 'machine', 'type') === 'controlplane'
  const legacyEncryption = ['secretboxEncryptionSecret', 'aescbcEncryptionSecret'].some((key) =>
    isSet(valueAt(legacy, 'cluster', key)),
  )
  const hasApiServer = isSet(valueAt(legacy, 'cluster', 'ca')) || ofKind(config, 'KubeAPIServerCAConfig') !== undefined
  if (isControlPlane && hasApiServer && !legacyEncryption && !ofKind(config, 'KubeEtcdEncryptionConfig'))
    yield 'etcd encryption config is required for control plane machines running kube-apiserver'
  const names = listOf(valueAt(legacy, 'cluster', 'inlineManifests')).map((one) =>
    isMapping(one) && typeof one['name'] === 'string' ? one['name'] : '',
  )
  for (const name of new Set(names.filter((one, index) => names.indexOf(one) !== index)))
    yield `inline manifest name "${name}" is duplicate`
}

/** By Kubernetes' own rules (siderolabs/talos, pkg/machinery/labels/validate.go). */
function* labelRefusals(legacy: ConfigDocument, config: MachineConfig): Generator<string> {
  for (const labels of [valueAt(legacy, 'machine', 'nodeLabels'), ofKind(config, 'KubeNodeConfig')?.['labels']])
    if (isMapping(labels ?? null))
      for (const [key, value] of Object.entries(labels as Mapping<Value>)) {
        const why = whyNoLabel(key, typeof value === 'string' ? value : '')
        if (why !== undefined) yield `invalid machine node labels: ${why}`
      }
}

/** Why it is no label that Kubernetes takes. */
export function whyNoLabel(key: string, value: string): string | undefined {
  const [name, prefix, ...more] = key.split('/').toReversed()
  const isName = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/.test(name!) && name!.length <= 63
  const isPrefix =
    prefix === undefined ||
    (prefix.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(prefix))
  if (!isName || !isPrefix || more.length > 0) return `${key} is not the name of a label`
  const isValue = value === '' || (/^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/.test(value) && value.length <= 63)
  return isValue ? undefined : `${key} has a value that no label may have`
}

function listOf(value: Value | undefined): readonly Value[] {
  return Array.isArray(value) ? (value as readonly Value[]) : []
}

function isSet(value: Value | undefined): boolean {
  return value !== undefined && value !== null && value !== ''
}

/** Documents that stand for others once they are gone, so that deleting them does not do what it looks like. */
export function deletionWarnings(generated: MachineConfig, config: MachineConfig): readonly string[] {
  const consequences: Readonly<Record<string, string>> = {
    KubeProxyConfig:
      'kube-proxy runs all the same, of the Kubernetes release that Talos comes with: write `enabled: false`',
    KubeCoreDNSConfig: 'CoreDNS runs all the same: write `enabled: false`',
    KubeNodeConfig: 'labels and taint of control planes come back: delete single settings of it',
  }
  const kinds = new Set(config.map(kindOf))
  return generated.flatMap((document) => {
    const why = kinds.has(kindOf(document)) ? undefined : consequences[kindOf(document)]
    return why === undefined ? [] : [`a patch deletes ${kindOf(document)}: ${why}`]
  })
}
