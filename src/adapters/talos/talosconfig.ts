import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { createSecureContext } from 'node:tls'
import { dayOf, organizationsOf } from '../../core/certificate-life.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import { nearest } from '../../core/spelling.ts'
import { type Document, readYaml, valueOf } from '../../yaml.ts'

/** The credentials for nodes: PEM texts. */
export interface Credentials {
  readonly ca: string
  readonly cert: string
  readonly key: string
  /** From the certificate's subject: `os:admin`, `os:operator`, `os:reader`, … */
  readonly roles: readonly string[]
  /** From when the certificate is valid; absent in credentials that tests build. */
  readonly begins?: Date
  readonly expires: Date
}

/** The parts of a talosconfig's context that are renewed together: PEM texts, the key as Talos labels it. */
export interface TalosClient {
  readonly crt: string
  readonly key: string
}

type Wrong = (why: string) => AgentError

/**
 * Reads a talosconfig (siderolabs/talos pkg/machinery/client/config). `context` chooses among several; by default the
 * file's own choice. `file` is what messages name.
 *
 * @throws AgentError `misconfigured`, with nothing of what is secret
 */
export function parseTalosconfig(text: string, file: string, context?: string): Credentials {
  const wrong: Wrong = (why) => new AgentError('misconfigured', `${file}: ${why}`)
  const { name, chosen } = chooseContext(readYaml(text, wrong), context, wrong)
  if (chosen['auth'] !== undefined && chosen['crt'] === undefined) {
    throw wrong(
      `the context "${name}" logs in through Omni, which needs a person at a browser: use a talosconfig with a client certificate`,
    )
  }
  const pem = (key: 'ca' | 'crt' | 'key') => {
    const value = chosen[key]
    if (typeof value !== 'string' || value === '') throw wrong(`the context "${name}" has no ${key}`)
    const decoded = Buffer.from(value, 'base64').toString('utf8')
    if (!decoded.includes('-----BEGIN ')) throw wrong(`${key} of the context "${name}" is not base64-encoded PEM`)
    return decoded
  }

  const cert = pem('crt')
  try {
    const { subject, validFromDate, validToDate } = new X509Certificate(cert)
    // Several roles may be in one part of it: `O=os:operator + O=os:etcd:backup`.
    const roles = organizationsOf(subject)
    const life = { begins: validFromDate, expires: validToDate }
    const credentials = { ca: pem('ca'), cert, key: relabel(pem('key')), roles, ...life }
    checkPair(credentials, (why) => wrong(`crt and key of the context "${name}" can't be used: ${why}`))
    return credentials
  } catch (error) {
    if (error instanceof AgentError) throw error
    throw wrong(`crt of the context "${name}" is not a certificate: ${messageOf(error)}`)
  }
}

/**
 * The same talosconfig with another client in the context that is used, and everything else of it as it was: the CA,
 * the endpoints, the comments.
 *
 * @throws AgentError `misconfigured` as parseTalosconfig
 */
export function withTalosClient(text: string, file: string, context: string | undefined, client: TalosClient): string {
  const wrong: Wrong = (why) => new AgentError('misconfigured', `${file}: ${why}`)
  const document = readYaml(text, wrong)
  const { name } = chooseContext(document, context, wrong)
  try {
    for (const key of ['crt', 'key'] as const)
      document.setIn(['contexts', name, key], Buffer.from(client[key]).toString('base64'))
  } catch {
    throw wrong(`the context "${name}" is a YAML alias (*name): write it out to have it renewed`)
  }
  return document.toString({ lineWidth: 0 })
}

function chooseContext(
  document: Document,
  context: string | undefined,
  wrong: Wrong,
): { readonly name: string; readonly chosen: Readonly<Record<string, unknown>> } {
  const whole = valueOf(document, wrong) as { context?: unknown; contexts?: unknown } | null
  const contexts = (whole?.contexts ?? {}) as Record<string, unknown>
  const name = context ?? (typeof whole?.context === 'string' ? whole.context : undefined)
  const chosen = name === undefined || !Object.hasOwn(contexts, name) ? undefined : contexts[name]
  if (name !== undefined && typeof chosen === 'object' && chosen !== null)
    return { name, chosen: chosen as Record<string, unknown> }
  const names = Object.keys(contexts)
  const near = name === undefined ? undefined : nearest(name, names)
  throw wrong(
    name === undefined
      ? 'it has no current context: set cluster.context'
      : `it has no context "${name}"; ${near === undefined ? `it has ${names.join(', ') || 'none'}` : `did you mean ${near}?`}`,
  )
}

/**
 * Why these credentials are not enough; undefined when they are. Upgrades need os:admin, Reboot
 * and Shutdown for os:operator too (siderolabs/talos internal/app/machined/pkg/system/services/machined.go).
 */
export function missingRole(
  { roles, expires }: Credentials,
  { upgrades, now }: { upgrades: boolean; now: Date },
): string | undefined {
  if (expires <= now) return `its certificate expired on ${dayOf(expires.getTime())}: ${newFromSecrets}`
  const enough = roles.includes('os:admin') || (!upgrades && roles.includes('os:operator'))
  if (enough) return undefined
  const needed = upgrades
    ? 'os:admin, which upgrades need (os:operator is enough with upgrade.enabled: false)'
    : 'os:operator or os:admin, which Shutdown needs'
  return `its certificate has the role ${roles.join(', ') || '(none)'}, not ${needed}: make one with \`talosctl config new --roles ${upgrades ? 'os:admin' : 'os:operator'}\``
}

/**
 * The advice where no talosconfig of the cluster works any more: `talosctl config new` needs one that does. The command
 * requires cluster and endpoint, and does not use them (siderolabs/talos website "Managing Talos PKI").
 */
export const newFromSecrets =
  "make a new one from the cluster's secrets with `talosctl gen config --with-secrets secrets.yaml --output-types talosconfig " +
  '-o talosconfig CLUSTER https://CONTROL-PLANE:6443`, or with `talosctl config new` where another talosconfig still works ' +
  '(`talosctl gen secrets --from-controlplane-config controlplane.yaml` makes a secrets.yaml)'

/** The advice while a talosconfig with os:admin still works. */
export function newByCommand(roles: readonly string[]): string {
  return `make a new one with \`talosctl config new --roles ${roles.join(',')}\` and a talosconfig that has os:admin`
}

/** Finds a damaged or mismatched key now, and not with the first call. */
function checkPair({ ca, cert, key }: Credentials, wrong: (why: string) => AgentError): void {
  try {
    createSecureContext({ ca, cert, key })
  } catch (error) {
    throw wrong(messageOf(error))
  }
}

/** Talos labels its PKCS#8 Ed25519 keys `ED25519 PRIVATE KEY`, which OpenSSL refuses (siderolabs/crypto x509/key.go). */
function relabel(key: string): string {
  return key.replaceAll('ED25519 PRIVATE KEY', 'PRIVATE KEY')
}

/** `https://192.168.0.2:50000`; an IPv6 address in its brackets. A port of its own is only for the lab. */
export function endpointOf(address: string): string {
  if (isIP(address) === 6) return `https://[${address}]:50000`
  return address.includes(':') ? `https://${address}` : `https://${address}:50000`
}
