import type { ConfigDocument, MachineConfig } from '../machine-config/document.ts'
import type { SecretsBundle } from '../machine-config/secrets.ts'
import { isMapping, type Value } from '../machine-config/tree.ts'

export const hidden = '(secret)'

/** Shorter texts stand in others by accident. */
const shortest = 4
/** A line of a key, in letters: shorter ones are ends of blocks. */
const shortestLine = 16

/** Every text that must not be shown of a bundle: keys as they stand in base64 and as PEM, tokens and their secret halves. */
export function secretsIn({ cluster, secrets, trustdinfo, certs }: SecretsBundle): readonly string[] {
  const keys = [certs.etcd, certs.k8s, certs.k8saggregator, certs.k8sserviceaccount, certs.os].map(({ key }) => key)
  const tokens = [secrets.bootstraptoken, trustdinfo.token]
  return [
    cluster.id,
    cluster.secret,
    ...tokens,
    ...tokens.map((token) => token.split('.').at(-1)!),
    ...[secrets.secretboxencryptionsecret, secrets.aescbcencryptionsecret].flatMap((one) => one ?? []),
    ...keys.flatMap((key) => [key, ...plainOf(key)]),
  ]
}

function plainOf(base64: string): readonly string[] {
  try {
    return [atob(base64)]
  } catch {
    return []
  }
}

export interface Mask {
  /** A text without what is secret. */
  text(text: string): string
  /** Documents without what is secret: what stands in a setting for secrets, too. */
  config(config: MachineConfig): MachineConfig
}

/** Hides secrets, wherever they stand. */
export function createMask(secrets: readonly string[]): Mask {
  const known = knownTexts(secrets)
  const text = (given: string): string => {
    let masked = given
    for (const secret of known) if (masked.includes(secret)) masked = masked.replaceAll(secret, hidden)
    return maskTelling(masked)
  }
  const maskValue = (value: Value, key: string, parent: Value): Value => {
    if (typeof value === 'string') return isSecretSetting(key, value, parent) ? hidden : text(value)
    if (Array.isArray(value)) return (value as readonly Value[]).map((one) => maskValue(one, key, value))
    if (!isMapping(value)) return value
    const hides = isNamesToSecrets(key)
    const entries = Object.entries(value).map(([name, one]): [string, Value] => {
      const isHidden = typeof one === 'string' && one !== '' && hides(name)
      return [text(name), isHidden ? hidden : maskValue(one, name, value)]
    })
    return Object.fromEntries(entries)
  }
  return {
    text,
    config: (config) => config.map((document) => maskValue(document, '', document) as ConfigDocument),
  }
}

/** Every text of documents that is not shown as it is, once they are masked. */
export function hiddenIn(config: MachineConfig, masked: MachineConfig): readonly string[] {
  const differing = (value: Value | undefined, shown: Value | undefined): readonly string[] => {
    if (typeof value === 'string') return value === shown ? [] : [value]
    if (typeof value !== 'object' || value === null || typeof shown !== 'object' || shown === null) return []
    const [own, others] = [Object.values(value) as readonly Value[], Object.values(shown) as readonly Value[]]
    return own.flatMap((one, index) => differing(one, others[index]))
  }
  return config.flatMap((document, index) => differing(document, masked[index]))
}

/** Also the lines of a secret with several, which may stand elsewhere with another indentation; the longest first. */
function knownTexts(secrets: readonly string[]): readonly string[] {
  const all = secrets.flatMap((secret) => [
    secret,
    ...(secret.includes('\n') ? secret.split('\n').map((line) => line.trim()) : []).filter(
      (line) => line.length >= shortestLine && !line.startsWith('-----'),
    ),
  ])
  return [...new Set(all)].filter(({ length }) => length >= shortest).toSorted((a, b) => b.length - a.length)
}

/** Settings that hold nothing but a secret (siderolabs/talos, pkg/machinery/config/types). */
const secretSettings = new Set([
  'aescbcEncryptionSecret',
  'apiToken',
  'auth',
  'clientSecret',
  'clusterSecret',
  'identityToken',
  'passphrase',
  'password',
  'presharedKey',
  'privateKey',
  'secret',
  'secretboxEncryptionSecret',
  'token',
  'uniqueToken',
])

function isSecretSetting(key: string, value: string, parent: Value): boolean {
  if (value === '') return false
  if (secretSettings.has(key)) return true
  // Elsewhere a key is a name, as of a label.
  const isOfPair = isMapping(parent) && ('crt' in parent || 'cert' in parent)
  return key === 'key' && (isOfPair || /^[A-Za-z0-9+/=\s-]{32,}$/.test(value) || value.includes('PRIVATE KEY'))
}

const always = () => true
const never = () => false
const tells = (name: string) => /pass|secret|token|key|auth|cred/i.test(name)

/** Maps whose names say what is secret: headers, and variables of an environment. */
function isNamesToSecrets(key: string): (name: string) => boolean {
  if (key === 'headers' || key === 'extraManifestHeaders') return always
  return key === 'env' || key === 'variables' || key === 'stringData' ? tells : never
}

/** What a text tells by its form: private keys, passwords of URLs, settings of files that hold some. */
function maskTelling(text: string): string {
  return text
    .split(/^(?=---)/m)
    .map((part) => (/^ {0,9}"?kind"?: *["']?Secret["']?,? *$/m.test(part) ? maskManifest(part) : part))
    .join('')
    .replaceAll(
      /-----BEGIN ([A-Z0-9 ]{0,40}PRIVATE KEY)-----(?:(?!-----END)[\s\S])*(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----)?/g,
      (_, kind: string) => `-----BEGIN ${kind}----- ${hidden}`,
    )
    .replaceAll(/:\/\/[^\s/@:]{0,256}:[^\s/@]{0,1024}@/g, `://${hidden}@`)
    .replaceAll(/([?&](?:join)?(?:token|password|secret)=)[^\s&#"']+/gi, `$1${hidden}`)
    .split('\n')
    .map(maskLine)
    .join('\n')
}

/** `MONITOR` of upsmon.conf(5), and what looks like a password by its name. */
function maskLine(line: string): string {
  const words = line.trimStart().split(/\s+/)
  const monitored = words[0] === 'MONITOR' ? words[4] : undefined
  const masked = monitored === undefined ? line : line.replace(` ${monitored}`, ` ${hidden}`)
  return masked.replaceAll(
    /((?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|psk|private[_-]?key)["']? {0,9}[:=] {0,9})(?!\(secret\))(?:"[^"]*"|'[^']*'|[^\s"',}]+)/gi,
    `$1${hidden}`,
  )
}

/** A Secret of Kubernetes: what stands within `data` and `stringData` is gone; one in JSON altogether. */
function maskManifest(manifest: string): string {
  if (manifest.trimStart().startsWith('{')) return hidden
  let within: number | undefined
  const lines = manifest.split('\n').flatMap((line) => {
    const depth = line.length - line.trimStart().length
    if (within !== undefined && (line.trim() === '' || depth > within)) return []
    const field = /^(data|stringData):/.exec(line.trimStart())?.[1]
    within = field === undefined ? undefined : depth
    return [field === undefined ? line : `${' '.repeat(depth)}${field}: ${hidden}`]
  })
  return lines.join('\n')
}
