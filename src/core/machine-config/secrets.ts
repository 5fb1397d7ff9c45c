import { AgentError } from '../errors.ts'
import { object, optional, type Shape, text } from '../shape.ts'
import { legacyIn, type MachineConfig, ofKind, valueAt } from './document.ts'
import { isMapping, type Value } from './tree.ts'

/** A certificate and its key, as PEM in base64: how Talos keeps them. */
export interface KeyPair {
  readonly crt: string
  readonly key: string
}

/** The secrets that make a cluster, as `talosctl gen secrets` writes them. Whoever has them owns the cluster. */
export interface SecretsBundle {
  readonly cluster: { readonly id: string; readonly secret: string }
  readonly secrets: {
    readonly bootstraptoken: string
    readonly secretboxencryptionsecret?: string | undefined
    /** Of clusters that are older than Talos 1.3. */
    readonly aescbcencryptionsecret?: string | undefined
  }
  readonly trustdinfo: { readonly token: string }
  readonly certs: {
    readonly etcd: KeyPair
    readonly k8s: KeyPair
    readonly k8saggregator: KeyPair
    readonly k8sserviceaccount: { readonly key: string }
    readonly os: KeyPair
  }
}

/** Text in base64 (RFC 4648, section 4). A fault never shows it. */
const encoded: Shape<string> = (value, at = 'it') => {
  const given = text(value, at)
  if (given === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(given) || given.length % 4 !== 0)
    throw new AgentError('malformed', `${at} is not base64`)
  return given
}

/** A token such as `abcdef.0123456789abcdef` (siderolabs/talos, generate/secrets/utils.go). */
const token: Shape<string> = (value, at = 'it') => {
  const given = text(value, at)
  if (!/^[0-9a-z]{6}\.[0-9a-z]{16}$/.test(given))
    throw new AgentError('malformed', `${at} is not a token of 6 and 16 letters and digits`)
  return given
}

const filled: Shape<string> = (value, at = 'it') => {
  const given = text(value, at)
  if (given === '') throw new AgentError('malformed', `${at} is empty`)
  return given
}

const keyPair = object<KeyPair>({ crt: encoded, key: encoded })

const bundleShape = object<SecretsBundle>({
  cluster: object<SecretsBundle['cluster']>({ id: filled, secret: encoded }),
  secrets: object<SecretsBundle['secrets']>({
    bootstraptoken: token,
    secretboxencryptionsecret: optional(encoded),
    aescbcencryptionsecret: optional(encoded),
  }),
  trustdinfo: object<SecretsBundle['trustdinfo']>({ token }),
  certs: object<SecretsBundle['certs']>({
    etcd: keyPair,
    k8s: keyPair,
    k8saggregator: keyPair,
    k8sserviceaccount: object<{ readonly key: string }>({ key: encoded }),
    os: keyPair,
  }),
})

/** Reads a secrets bundle. `what` names it. @throws AgentError `malformed`, which names the setting and shows nothing of it */
export function readSecrets(value: unknown, what: string): SecretsBundle {
  const bundle = bundleShape(value, what)
  const { secretboxencryptionsecret: secretbox, aescbcencryptionsecret: aescbc } = bundle.secrets
  if ((secretbox === undefined) === (aescbc === undefined))
    throw new AgentError(
      'malformed',
      `${what}.secrets needs one of secretboxencryptionsecret and aescbcencryptionsecret`,
    )
  return bundle
}

/**
 * The secrets in the machine configuration of a control plane, in the documents of any release (siderolabs/talos,
 * generate/secrets/bundle.go, NewBundleFromConfig).
 *
 * @throws AgentError `misconfigured` where the configuration is a worker's; `malformed` where something is missing
 */
export function secretsOf(config: MachineConfig, what: string): SecretsBundle {
  const legacy = legacyIn(config)
  const at = (...path: readonly string[]) => valueAt(legacy, ...path)
  if (at('machine', 'type') !== 'controlplane')
    throw new AgentError('misconfigured', `${what} is not the configuration of a control plane: a worker's has no keys`)
  const identity = ofKind(config, 'DiscoveryIdentityConfig')
  const issuing = (kind: string) => pairIn(valueAt(ofKind(config, kind), 'issuingCA'))
  const privateKey = valueAt(ofKind(config, 'KubeServiceAccountConfig'), 'issuer', 'privateKey')
  const given = {
    cluster: {
      id: at('cluster', 'id') ?? identity?.['clusterID'],
      secret: at('cluster', 'secret') ?? identity?.['clusterSecret'],
    },
    secrets: { bootstraptoken: at('cluster', 'token'), ...encryptionIn(config) },
    trustdinfo: { token: at('machine', 'token') },
    certs: {
      etcd: at('cluster', 'etcd', 'ca'),
      k8s: at('cluster', 'ca') ?? issuing('KubeAPIServerCAConfig'),
      k8saggregator: at('cluster', 'aggregatorCA') ?? issuing('KubeAggregatorCAConfig'),
      k8sserviceaccount: at('cluster', 'serviceAccount') ?? {
        key: typeof privateKey === 'string' ? btoa(privateKey) : undefined,
      },
      os: at('machine', 'ca'),
    },
  }
  return readSecrets(given, what)
}

/** In documents of Talos 1.14 they are plain PEM. */
function pairIn(value: Value | undefined): KeyPair | undefined {
  if (!isMapping(value ?? null)) return undefined
  const { cert, key } = value as { readonly cert?: Value; readonly key?: Value }
  return typeof cert === 'string' && typeof key === 'string' ? { crt: btoa(cert), key: btoa(key) } : undefined
}

/** By what Secrets are encrypted in etcd: the provider that encrypts, which is the first. */
function encryptionIn(config: MachineConfig): Record<string, Value | undefined> {
  const legacy = legacyIn(config)
  const secretbox = valueAt(legacy, 'cluster', 'secretboxEncryptionSecret')
  const aescbc = valueAt(legacy, 'cluster', 'aescbcEncryptionSecret')
  if (secretbox !== undefined || aescbc !== undefined)
    return { secretboxencryptionsecret: secretbox, aescbcencryptionsecret: aescbc }
  const resources = valueAt(ofKind(config, 'KubeEtcdEncryptionConfig'), 'config', 'resources')
  const block = (Array.isArray(resources) ? (resources as readonly Value[]) : []).find(
    (one) => isMapping(one) && Array.isArray(one['resources']) && one['resources'].includes('secrets'),
  )
  const provider = isMapping(block ?? null) ? (block as { readonly providers?: Value }).providers : undefined
  const [first] = Array.isArray(provider) ? (provider as readonly Value[]) : []
  const keys = isMapping(first ?? null)
    ? valueAt(first as Readonly<Record<string, Value>>, 'secretbox', 'keys')
    : undefined
  const [key] = Array.isArray(keys) ? (keys as readonly Value[]) : []
  return {
    secretboxencryptionsecret: isMapping(key ?? null) ? (key as Readonly<Record<string, Value>>)['secret'] : undefined,
  }
}
