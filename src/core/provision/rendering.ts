import { AgentError, messageOf } from '../errors.ts'
import {
  type ConfigDocument,
  kindOf,
  legacyIn,
  type MachineConfig,
  ofKind,
  valueAt,
} from '../machine-config/document.ts'
import { contractFor, generateConfig } from '../machine-config/generate.ts'
import { type Contract, contracts, type Origin } from '../machine-config/origin.ts'
import { applyPatches, type Patch } from '../machine-config/patch.ts'
import { allRefusalsOf, deletionWarnings } from '../machine-config/refusals.ts'
import { isEqual } from '../machine-config/merge.ts'
import { isMapping, type Value } from '../machine-config/tree.ts'
import { legacyKind } from '../machine-config/schema.ts'
import { minorOf } from '../version.ts'
import { installWarnings, withInstall } from './install.ts'
import type { MachineOrder } from './machine.ts'
import type { InstallSetting } from './machines-file.ts'
import { fillValues } from './values.ts'

export interface Rendering {
  readonly order: MachineOrder
  readonly origin: Omit<Origin, 'role' | 'disk'>
  /** The releases that are to take it: the one that is booted, and the one that is installed. */
  readonly releases: readonly string[]
  /** Undefined: a patch says it. */
  readonly install: InstallSetting | undefined
  readonly patches: readonly { readonly file: string; readonly patch: Patch }[]
  /** What patches name as `{{ name }}`. */
  readonly values: ReadonlyMap<string, string>
}

export interface RenderedDocuments {
  readonly contract: Contract
  /** Before any patch. */
  readonly generated: MachineConfig
  /** What a node gets. */
  readonly config: MachineConfig
  /** The same in which values are only named: for people. */
  readonly named: MachineConfig
  readonly warnings: readonly string[]
}

/**
 * Makes the configuration of a machine: generated for what it is to become, then patched, then judged as a node would.
 *
 * @throws AgentError `misconfigured`, with every reason
 */
export function renderDocuments(rendering: Rendering): RenderedDocuments {
  const { order, origin, releases, install, patches, values } = rendering
  const minors = [...new Set(releases.map(minorOf))]
  const { contract, warning } = chooseContract(rendering, minors)
  const plain = withName(generateConfig({ ...origin, role: order.role }, contract), order, contract)
  const generated = install === undefined ? plain : withInstall(plain, install, contract)
  const patched = patches.reduce((config, { file, patch }) => {
    try {
      return applyPatches(config, [patch], minors)
    } catch (error) {
      throw new AgentError('misconfigured', `${file}: ${messageOf(error)}`, error)
    }
  }, generated)
  const config = patched.map((document) => fillValues(document, values) as ConfigDocument)
  const refusals = [...takenBack(config, order), ...allRefusalsOf(config, { releases, kubernetes: origin.kubernetes })]
  if (refusals.length > 0) throw new AgentError('misconfigured', refusals.join('\n'))
  return {
    contract,
    generated,
    config,
    named: patched,
    warnings: [
      ...(warning === undefined ? [] : [warning]),
      ...installWarnings(config),
      ...deletionWarnings(generated, config),
      ...secretWarnings(generated, config),
      ...restrictedLabels(order),
    ],
  }
}

/** The documents of Talos 1.14 have no words for an AES-CBC secret: what is encrypted in etcd would become unreadable. */
function chooseContract({ order, origin }: Rendering, minors: readonly string[]) {
  const contract = contractFor(minors)
  if (contract === undefined)
    throw new AgentError(
      'misconfigured',
      `Talos ${minors.join(' and ')}: machine configurations are made for ${contracts[0]} and later`,
    )
  const isOld = origin.secrets.secrets.aescbcencryptionsecret !== undefined && order.role === 'controlplane'
  if (contract !== '1.14' || !isOld) return { contract, warning: undefined }
  return {
    contract: '1.13' as const,
    warning:
      'it is written as Talos 1.13 has it: in the words of 1.14 the AES-CBC secret of this cluster would be lost',
  }
}

/** With its hostname, and the labels of its node. */
function withName(config: MachineConfig, { name, labels }: MachineOrder, contract: Contract): MachineConfig {
  const hasLabels = Object.keys(labels).length > 0
  const labelled = (value: Value | undefined): Value => ({
    ...(isMapping(value ?? null) ? (value as object) : {}),
    ...labels,
  })
  return config.map((document): ConfigDocument => {
    const kind = kindOf(document)
    if (kind === 'HostnameConfig') {
      const { auto: _, ...others } = document
      return { ...others, auto: 'off', hostname: name }
    }
    if (!hasLabels) return document
    if (kind === 'KubeNodeConfig') return { ...document, labels: labelled(document['labels']) }
    if (kind !== legacyKind || contract === '1.14') return document
    const machine = document['machine'] as { readonly [key: string]: Value }
    return { ...document, machine: { ...machine, nodeLabels: labelled(machine['nodeLabels']) } }
  })
}

/** What was decided for the machine is not for patches to change. */
function* takenBack(config: MachineConfig, { name, role }: MachineOrder): Generator<string> {
  const type = valueAt(legacyIn(config), 'machine', 'type')
  if (type !== undefined && type !== role) yield `a patch changes machine.type: it is to be a ${role}; leave it out`
  const hostname =
    ofKind(config, 'HostnameConfig')?.['hostname'] ?? valueAt(legacyIn(config), 'machine', 'network', 'hostname')
  if (hostname !== name) yield `a patch changes the hostname: it is ${name}; leave it out`
}

/** By them a machine knows its cluster. */
const clusterSecrets: readonly (readonly string[])[] = [
  ['machine', 'token'],
  ['machine', 'ca'],
  ['cluster', 'id'],
  ['cluster', 'secret'],
  ['cluster', 'token'],
  ['cluster', 'ca'],
  ['cluster', 'aggregatorCA'],
  ['cluster', 'serviceAccount'],
  ['cluster', 'secretboxEncryptionSecret'],
  ['cluster', 'aescbcEncryptionSecret'],
  ['cluster', 'etcd', 'ca'],
]
const secretKinds = [
  'DiscoveryIdentityConfig',
  'KubeAPIServerCAConfig',
  'KubeAggregatorCAConfig',
  'KubeEtcdEncryptionConfig',
  'KubeServiceAccountConfig',
]

function secretWarnings(generated: MachineConfig, config: MachineConfig): readonly string[] {
  const [before, after] = [legacyIn(generated), legacyIn(config)]
  const changed = [
    ...clusterSecrets
      .filter((path) => !isEqual(valueAt(before, ...path), valueAt(after, ...path)))
      .map((path) => path.join('.')),
    ...secretKinds.filter((kind) => !isEqual(ofKind(generated, kind), ofKind(config, kind))),
  ]
  return changed.map((what) => `a patch changes ${what}, which the whole cluster has in common`)
}

/** The API server lets no kubelet set these labels (NodeRestriction). */
function restrictedLabels({ labels, role }: MachineOrder): readonly string[] {
  if (role === 'controlplane') return []
  const refused = Object.keys(labels).filter((key) => {
    const prefix = key.includes('/') ? key.slice(0, key.indexOf('/')) : ''
    const isTheirs = /(^|\.)(kubernetes|k8s)\.io$/.test(prefix)
    return isTheirs && !/(^|\.)(kubelet|node)\.kubernetes\.io$/.test(prefix) && !allowedLabels.has(key)
  })
  return refused.map((key) => `Kubernetes lets no worker label itself ${key}: label it with kubectl when it has joined`)
}

const allowedLabels = new Set([
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'beta.kubernetes.io/os',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'kubernetes.io/arch',
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
])
