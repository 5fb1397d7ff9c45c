import { notWithin } from '../../core/duration.ts'
import { X509Certificate } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import { checkServerIdentity, connect, getCACertificates, type TLSSocket } from 'node:tls'
import { AgentError, messageOf } from '../../core/errors.ts'
import { certificatesIn } from '../../core/pem.ts'
import { createLines } from './lines.ts'
import { notKnown, NutRefusal } from './refusal.ts'
import type { NutAddress } from './socket.ts'
import { splitWords } from './quoting.ts'

/** Which CAs must have signed a server's certificate: any, the system's, or those of a file. */
export type Trust =
  | { readonly by: 'nobody' }
  | { readonly by: 'system' }
  | { readonly by: 'file'; readonly certificates: readonly X509Certificate[] }

/** The server answers but offers no usable TLS. */
export class NoTls extends AgentError {}

/**
 * The certificates of a PEM file.
 *
 * @throws AgentError `misconfigured`
 */
export function readTrust(pem: string): Trust {
  try {
    const blocks = certificatesIn(pem)
    if (blocks.length === 0) throw new Error('it contains no certificate (BEGIN CERTIFICATE)')
    return { by: 'file', certificates: blocks.map((block) => new X509Certificate(block)) }
  } catch (error) {
    throw new AgentError('misconfigured', `the CA for upsd can't be read: ${messageOf(error)}`, error)
  }
}

export interface SecureOptions extends NutAddress {
  readonly trust: Trust
  /** How long the answer to STARTTLS and the handshake may take together, in ms. */
  readonly timeout: number
  readonly signal: AbortSignal
}

/**
 * Says STARTTLS and makes the handshake over the same connection (RFC 9271, "STARTTLS"). Nothing else may have been
 * said on it. The connection is closed where this fails.
 *
 * @throws AgentError `NoTls` where the server has none that we can trust; `malformed` where it says something between
 * its OK and the handshake, which may have been injected
 */
export async function secure(socket: Socket, options: SecureOptions): Promise<TLSSocket> {
  const { host, port, timeout, signal } = options
  const at = `upsd at ${host}:${port}`
  const beganAt = performance.now()
  let isAgreed = false
  let giveUp = (_why: AgentError): void => {}
  const late = new Promise<never>((_, reject) => (giveUp = reject))
  // Before its OK, silence says nothing about TLS: the server may be down.
  const stop = (why: string) => giveUp(new (isAgreed ? NoTls : AgentError)('unreachable', `${at} ${why}`))
  const timer = setTimeout(() => stop(`did not finish STARTTLS within ${timeout} ms`), timeout)
  const onAbort = () =>
    giveUp(new AgentError('unreachable', `${at} did not answer ${notWithin(performance.now() - beganAt)}`))
  const onClose = () => stop('closed the connection during STARTTLS')
  signal.addEventListener('abort', onAbort)
  socket.once('close', onClose)
  try {
    if (signal.aborted) onAbort()
    await Promise.race([agree(socket, `${host}:${port}`), late])
    isAgreed = true
    return await Promise.race([shakeHands(socket, options), late])
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    socket.off('close', onClose)
  }
}

/** Resolves when the server has said `OK STARTTLS`, and nothing more; the socket is paused then. */
function agree(socket: Socket, at: string): Promise<void> {
  const lines = createLines(at)
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer) => {
      try {
        const [line, ...more] = lines.push(chunk)
        if (line === undefined) return
        socket.off('data', onData)
        socket.pause()
        const [first, second = 'ERR', ...extra] = splitWords(line)
        const [word, what] = [first?.toUpperCase(), second.toUpperCase()]
        if (word === 'ERR') {
          const refusal = new NutRefusal(what, 'STARTTLS', at, extra)
          throw ([...notKnown, 'INVALID-COMMAND', 'CMD-NOT-SUPPORTED'] as readonly string[]).includes(what)
            ? withoutTls(refusal)
            : refusal
        }
        if (word !== 'OK' || what !== 'STARTTLS')
          throw new AgentError('malformed', `upsd at ${at} answers STARTTLS with: ${line.slice(0, 80)}`)
        if (more.length > 0 || lines.isPartial) throw inPlainText(`upsd at ${at}`)
        resolve()
      } catch (error) {
        socket.off('data', onData)
        reject(error)
      }
    }
    socket.on('data', onData)
    socket.write('STARTTLS\n')
  })
}

function inPlainText(at: string, cause?: Error): AgentError {
  const todo = 'someone in between may have injected it'
  return new AgentError('malformed', `${at} sent plain text after OK STARTTLS: ${todo}`, cause)
}

function withoutTls({ message, nutCode }: NutRefusal): NoTls {
  const todo =
    nutCode === 'FEATURE-NOT-CONFIGURED'
      ? 'give it a certificate (CERTFILE, or CERTPATH and CERTIDENT, in its upsd.conf)'
      : 'it has no TLS'
  return new NoTls('misconfigured', `${message}; ${todo}, or turn TLS off here (tls: off)`)
}

function shakeHands(socket: Socket, { host, port, trust }: SecureOptions): Promise<TLSSocket> {
  const at = `upsd at ${host}:${port}`
  const pinned = trust.by === 'file' ? trust.certificates : []
  const isPinned = (raw: Buffer | undefined) => pinned.some((each) => raw !== undefined && each.raw.equals(raw))
  return new Promise((resolve, reject) => {
    let fault = ''
    const secured = connect({
      socket,
      // An IP address is no server name (RFC 6066 section 3).
      ...(isIP(host) ? {} : { servername: host }),
      ca: trust.by === 'file' ? pinned.map(String) : systemAuthorities(),
      // Certificates in the file are trusted, whoever issued them.
      allowPartialTrustChain: true,
      checkServerIdentity: (_, certificate) => {
        const wrong = checkServerIdentity(host, certificate)
        fault = wrong?.message ?? ''
        return wrong
      },
      // Verified below, before anything is sent.
      rejectUnauthorized: false,
    })
    // Of the errors after the handshake nobody hears here: who uses the connection listens too.
    secured.on('error', (error: Error & { code?: string }) => reject(handshakeFailure(error, at)))
    secured.once('secureConnect', () => {
      // Node's types call it an Error; it is OpenSSL's or Node's code.
      const code = (secured.authorizationError as unknown as string | null) ?? undefined
      const isGood =
        trust.by === 'nobody' ||
        code === undefined ||
        (isPinned(secured.getPeerCertificate().raw) && datesAmiss[code] === undefined)
      if (isGood) return resolve(secured)
      secured.destroy()
      reject(new NoTls('misconfigured', `${at}: ${distrust(code, fault, trust)}`))
    })
  })
}

/** OpenSSL's codes (x509_vfy.h). */
const datesAmiss: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired: renew it',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: check the clocks',
}

function distrust(code: string, fault: string, { by }: Trust): string {
  if (datesAmiss[code] !== undefined) return datesAmiss[code]
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `its certificate is for another name (${fault}): fix \`host\`, or set \`ca\` to the certificate itself`
  const whose = by === 'file' ? 'the CA in `ca`' : "one of the system's CAs"
  return `its certificate is not signed by ${whose} (${code}): set \`ca\` to the CA that issued it, or to the certificate itself`
}

function handshakeFailure(error: Error & { code?: string }, at: string): AgentError {
  const { code = '', message } = error
  // The first bytes were not a TLS record.
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|RECORD_TOO_SMALL/.test(code)) return inPlainText(at, error)
  return /^(ECONNRESET|EPIPE)$/.test(code)
    ? new NoTls('unreachable', `${at} aborted the TLS handshake (${message})`, error)
    : new NoTls(
        'misconfigured',
        `${at} shares no TLS version or cipher with us (${code || message}): is it very old?`,
        error,
      )
}

let authorities: string[] | undefined

/** Node's bundled CAs and the system's, where a homelab's own CA may be installed. */
function systemAuthorities(): string[] {
  authorities ??= [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]
  return authorities
}
