import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { dayOf, type Life } from '../../core/certificate-life.ts'
import type { Access } from './kubeconfig.ts'

/** The TLS options for requests and WebSockets. */
export function tlsOf({ ca, cert, key, serverName }: Access) {
  return {
    ...(ca ? { ca } : {}),
    ...(cert && key ? { cert, key } : {}),
    ...(serverName
      ? {
          // TLS itself has names only (RFC 6066); an address is compared with the certificate all the same.
          servername: isIP(serverName) ? '' : serverName,
          checkServerIdentity: (_: string, shown: PeerCertificate) => checkServerIdentity(serverName, shown),
        }
      : {}),
  }
}

/** The headers that say who we are, and on whose behalf (kubernetes/client-go transport/round_trippers.go). */
export function headersOf({ token, impersonate }: Access): Readonly<Record<string, string | string[]>> {
  const headers: Record<string, string | string[]> = { 'user-agent': 'caretaker' }
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`
  if (!impersonate) return headers
  const { user, uid, groups, extra } = impersonate
  headers['impersonate-user'] = onWire(user)
  if (uid !== undefined) headers['impersonate-uid'] = onWire(uid)
  if (groups.length > 0) headers['impersonate-group'] = groups.map(onWire)
  for (const [name, values] of Object.entries(extra))
    if (values.length > 0) headers[`impersonate-extra-${asHeaderName(name)}`] = values.map(onWire)
  return headers
}

/** Go writes UTF-8 into headers; Node takes a character for each byte. */
function onWire(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1')
}

/** What a header's name can't hold is written as `%XX`, `%` included. */
function asHeaderName(name: string): string {
  return [...Buffer.from(name, 'utf8')]
    .map((byte) => {
      const char = String.fromCharCode(byte)
      return /[A-Za-z0-9!#$&'*+.^_`|~-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
}

/** The validity period, epoch ms; undefined where the credential has none, like most tokens. */
export function lifeOf({ cert, token }: Access): Life | undefined {
  if (cert !== undefined) return lifeOfCertificate(cert)
  return token === undefined ? undefined : lifeOfToken(token)
}

/** A certificate's validity period, epoch ms. */
export function lifeOfCertificate(cert: string): Life {
  const { validFromDate, validToDate } = new X509Certificate(cert)
  return { from: validFromDate.getTime(), to: validToDate.getTime() }
}

/** Tokens of service accounts are JWTs, whose `iat` and `exp` are in seconds (RFC 7519); without `iat` it begins at 0. */
function lifeOfToken(token: string): Life | undefined {
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')
    const { iat, exp } = JSON.parse(payload) as { iat?: unknown; exp?: unknown }
    if (typeof exp !== 'number') return undefined
    return { from: (typeof iat === 'number' ? iat : 0) * 1_000, to: exp * 1_000 }
  } catch {
    return undefined
  }
}

/** Why a credential is refused, where its validity dates explain it. */
export function whyUnknown(access: Access, now: number): string | undefined {
  const life = lifeOf(access)
  if (!life || (now < life.to && now >= life.from)) return undefined
  const owner = describeCredential(access)
  return now >= life.to
    ? `${owner} expired on ${dayOf(life.to)}`
    : `${owner} is not valid before ${dayOf(life.from)}: check the clock of this machine`
}

/** `the client certificate in FILE`. */
export function describeCredential({ cert, origin }: Access): string {
  const what = cert === undefined ? 'token' : 'client certificate'
  return origin === undefined ? `the ${what}` : `the ${what} in ${origin}`
}
