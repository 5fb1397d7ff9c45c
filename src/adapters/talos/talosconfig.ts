import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { createSecureContext } from 'node:tls'
import { parse } from 'yaml'
import { AgentError, messageOf } from '../../core/errors.ts'

/** What it takes to talk to nodes: PEM texts. */
export interface Credentials {
  readonly ca: string
  readonly cert: string
  readonly key: string
  /** From the certificate's subject: `os:admin`, `os:operator`, `os:reader`, … */
  readonly roles: readonly string[]
  readonly expires: Date
}

/**
 * Reads a talosconfig (siderolabs/talos pkg/machinery/client/config). `context` chooses among several; by default the
 * file's own choice. `file` is what messages name.
 *
 * @throws AgentError `misconfigured`
 */
export function parseTalosconfig(text: string, file: string, context?: string): Credentials {
  const wrong = (why: string) => new AgentError('misconfigured', `${file}: ${why}`)
  let document: { context?: unknown; contexts?: Record<string, Record<string, unknown>> } | null
  try {
    document = parse(text) as typeof document
  } catch (error) {
    throw wrong(`it is not YAML: ${messageOf(error)}`)
  }
  const contexts = document?.contexts ?? {}
  const name = context ?? (typeof document?.context === 'string' ? document.context : undefined)
  const names = Object.keys(contexts)
  const chosen = name === undefined ? undefined : contexts[name]
  if (!chosen)
    throw wrong(
      name === undefined
        ? 'it names no context: set cluster.context'
        : `it has no context "${name}", only ${names.join(', ') || 'none at all'}`,
    )
  if (chosen['auth'] !== undefined && chosen['crt'] === undefined) {
    throw wrong(
      `the context "${name}" logs in through Omni, which needs a person: use a talosconfig with a client certificate`,
    )
  }
  const pem = (key: 'ca' | 'crt' | 'key') => {
    const value = chosen[key]
    if (typeof value !== 'string' || value === '') throw wrong(`the context "${name}" has no ${key}`)
    const decoded = Buffer.from(value, 'base64').toString('utf8')
    if (!decoded.includes('-----BEGIN ')) throw wrong(`${key} of the context "${name}" is not a PEM in base64`)
    return decoded
  }

  const cert = pem('crt')
  try {
    const { subject, validTo } = new X509Certificate(cert)
    // Go writes several roles into one part of the subject, which Node shows as `O=os:operator + O=os:etcd:backup`.
    const parts = (subject ?? '').split(/\n| \+ /)
    const roles = parts.flatMap((part) => (part.startsWith('O=') ? [part.slice(2)] : []))
    const credentials = { ca: pem('ca'), cert, key: relabel(pem('key')), roles, expires: new Date(validTo) }
    checkPair(credentials, (why) => wrong(`crt and key of the context "${name}" can't be used: ${why}`))
    return credentials
  } catch (error) {
    if (error instanceof AgentError) throw error
    throw wrong(`crt of the context "${name}" is not a certificate: ${messageOf(error)}`)
  }
}

/**
 * Why these credentials do not allow what we are to do; undefined when they do. Upgrades are for os:admin alone, Reboot
 * and Shutdown for os:operator too (siderolabs/talos internal/app/machined/pkg/system/services/machined.go).
 */
export function missingRole(
  { roles, expires }: Credentials,
  { upgrades, now }: { upgrades: boolean; now: Date },
): string | undefined {
  if (expires <= now)
    return `its certificate ended on ${expires.toISOString().slice(0, 10)}: make a new one with \`talosctl config new\``
  const enough = roles.includes('os:admin') || (!upgrades && roles.includes('os:operator'))
  if (enough) return undefined
  const needed = upgrades
    ? 'os:admin, which upgrades need (os:operator is enough with upgrade.enabled: false)'
    : 'os:operator or os:admin, which Shutdown needs'
  return `its certificate has the role ${roles.join(', ') || '(none)'} and not ${needed}: make one with \`talosctl config new --roles ${upgrades ? 'os:admin' : 'os:operator'}\``
}

/** How long before the end of its certificate a talosconfig is spoken of, in ms. */
const noticeBefore = 30 * 86_400_000

/** That these credentials end soon, or have ended, and what to do; undefined while there is time. */
export function expiresSoon({ expires }: Pick<Credentials, 'expires'>, now: Date): string | undefined {
  if (expires.getTime() - now.getTime() > noticeBefore) return undefined
  const word = expires <= now ? 'ended' : 'ends'
  return `the talosconfig's certificate ${word} on ${expires.toISOString().slice(0, 10)}: make a new one with \`talosctl config new\``
}

/** A key that is damaged or of another certificate is found here, and not at the first call. */
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
