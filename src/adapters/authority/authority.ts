import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import { isIP, isIPv6 } from 'node:net'
import { AgentError } from '../../core/errors.ts'
import type { Authority } from '../../core/provision/authority.ts'
import { bits, identifier, integer, octets, sequence, set, tagged, truth, utcTime, utf8 } from './der.ts'

/** Clocks of machines that have never been set are behind; certificates are good for them as well. */
const begins = new Date('2000-01-01T00:00:00Z')
/** The last second that has two digits for its year. */
const ends = new Date('2049-12-31T23:59:59Z')
/** In ms: how long a server's certificate is good from its making. */
const lasts = 800 * 86_400_000

/** Makes an authority for a name or an address (RFC 5280): its certificate and its key, PEM, in one text. */
export function createAuthorityText(host: string): string {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subject = nameOf('Caretaker')
  const certificate = certificateOf(
    { subject, issuer: subject, publicKey, until: ends, extensions: authorityExtensions(host, publicKey) },
    privateKey,
  )
  return `${pem('CERTIFICATE', certificate)}${pem('PRIVATE KEY', exported(privateKey))}`
}

/** Reads what `createAuthorityText` has made. @throws AgentError `malformed` */
export function openAuthority(text: string, host: string): Authority {
  const [certificate] = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/.exec(text) ?? []
  const key = certificate === undefined ? undefined : keyIn(text, certificate)
  if (certificate === undefined || !key)
    throw new AgentError('malformed', 'it contains no certificate with its private key')
  return {
    certificate,
    issue: (now) => {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const until = new Date(Math.min(now.getTime() + lasts, ends.getTime()))
      const cert = certificateOf(
        {
          // No name of a host: OpenSSL would hold it against the permitted ones.
          subject: nameOf('Caretaker for machines'),
          issuer: nameOf('Caretaker'),
          publicKey: own.publicKey,
          until,
          extensions: serverExtensions(host, createPublicKey(key)),
        },
        key,
      )
      return {
        cert: pem('CERTIFICATE', cert),
        key: pem('PRIVATE KEY', exported(own.privateKey)),
      }
    },
  }
}

function keyIn(text: string, certificate: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(text.slice(text.indexOf('-----BEGIN PRIVATE KEY-----')))
    return new X509Certificate(certificate).checkPrivateKey(key) ? key : undefined
  } catch {
    return undefined
  }
}

interface Certified {
  readonly subject: Buffer
  readonly issuer: Buffer
  readonly publicKey: KeyObject
  readonly until: Date
  readonly extensions: readonly Buffer[]
}

const ecdsaWithSha256 = sequence(identifier('1.2.840.10045.4.3.2'))

function certificateOf({ subject, issuer, publicKey, until, extensions }: Certified, signer: KeyObject): Buffer {
  const serial = randomBytes(16)
  serial[0] = (serial[0]! & 0x7f) | 0x01
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    ecdsaWithSha256,
    issuer,
    sequence(utcTime(begins), utcTime(until)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions)),
  )
  return sequence(body, ecdsaWithSha256, bits(sign('sha256', body, signer)))
}

function nameOf(common: string): Buffer {
  return sequence(set(sequence(identifier('2.5.4.3'), utf8(common))))
}

function extension(id: string, value: Buffer, isCritical = false): Buffer {
  return sequence(identifier(id), ...(isCritical ? [truth()] : []), octets(value))
}

function keyId(publicKey: KeyObject): Buffer {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 20)
}

function authorityExtensions(host: string, publicKey: KeyObject): readonly Buffer[] {
  const isAddress = isIP(host) !== 0
  // Of a kind that is not named everything would be permitted.
  const permitted = [
    sequence(tagged(0x82, Buffer.from(isAddress ? 'invalid' : host))),
    sequence(tagged(0x87, ...maskedAddress(isAddress ? host : '0.0.0.0'))),
  ]
  return [
    extension('2.5.29.19', sequence(truth(), integer(Buffer.from([0]))), true),
    // keyCertSign
    extension('2.5.29.15', bits(Buffer.from([0x04]), 2), true),
    extension('2.5.29.30', sequence(tagged(0xa0, ...permitted)), true),
    extension('2.5.29.14', octets(keyId(publicKey))),
  ]
}

function serverExtensions(host: string, signer: KeyObject): readonly Buffer[] {
  const name = isIP(host) === 0 ? tagged(0x82, Buffer.from(host)) : tagged(0x87, bytesOf(host))
  return [
    // digitalSignature
    extension('2.5.29.15', bits(Buffer.from([0x80]), 7), true),
    // serverAuth
    extension('2.5.29.37', sequence(identifier('1.3.6.1.5.5.7.3.1'))),
    extension('2.5.29.17', sequence(name)),
    extension('2.5.29.35', sequence(tagged(0x80, keyId(signer)))),
  ]
}

/** An address with the mask of itself alone. */
function maskedAddress(address: string): readonly Buffer[] {
  const bytes = bytesOf(address)
  return [bytes, Buffer.alloc(bytes.length, 0xff)]
}

function bytesOf(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number))
  // As RFC 5952 writes it, whatever it looked like.
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::')
  const words = (part: string) => (part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16)))
  const [before, after] = [words(head), words(tail ?? '')]
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after]
  return Buffer.from(all.flatMap((word) => [word >> 8, word & 255]))
}

function exported(key: KeyObject): Buffer {
  return key.export({ type: 'pkcs8', format: 'der' })
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
