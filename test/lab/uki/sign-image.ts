import 'reflect-metadata'
import { createHash, createPrivateKey, createSign, type KeyObject, randomBytes, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/** What signs images: a certificate and its key. */
export interface ImageSigner {
  /** PEM. */
  readonly certificate: string
  readonly der: Buffer
  readonly key: KeyObject
  readonly keys: webcrypto.CryptoKeyPair
  readonly name: string
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** Makes a certificate, its own or by another signer, which may issue others or not. */
export async function createSigner(
  common: string,
  { by, isAuthority = true }: { readonly by?: ImageSigner; readonly isAuthority?: boolean } = {},
): Promise<ImageSigner> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const name = `CN=${common}`
  const certificate = await x509.X509CertificateGenerator.create({
    subject: name,
    issuer: by?.name ?? name,
    publicKey: keys.publicKey,
    signingKey: by?.keys.privateKey ?? keys.privateKey,
    signingAlgorithm: algorithm,
    serialNumber: `01${randomBytes(7).toString('hex')}`,
    notBefore: new Date('2020-01-01'),
    // Firmware has no clock that it believes: certificates that have ended count.
    notAfter: new Date('2021-01-01'),
    extensions: [new x509.BasicConstraintsExtension(isAuthority, undefined, true)],
  })
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  return {
    certificate: certificate.toString('pem'),
    der: Buffer.from(certificate.rawData),
    key: createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }),
    keys,
    name,
  }
}

export interface SigningFaults {
  /** What the signature says that the image's digest is. */
  readonly imageDigest?: Buffer
  /** The signed attributes name another digest of the content. */
  readonly wrongMessageDigest?: boolean
  /** The signature is by another key than its certificate's. */
  readonly key?: KeyObject
  /** What it carries beside the signer's certificate; by default that alone. */
  readonly certificates?: readonly Buffer[]
}

/** Signs an image for SecureBoot, as sbsign does: the signature is appended (Windows Authenticode PE Signature Format). */
export function signImage(image: Buffer, signer: ImageSigner, faults: SigningFaults = {}): Buffer {
  const padded = Buffer.concat([image, Buffer.alloc((8 - (image.length % 8)) % 8)])
  const optional = padded.readUInt32LE(0x3c) + 24
  const signature = signatureOf(faults.imageDigest ?? digestOf(padded, optional), signer, faults)
  const length = 8 + signature.length
  const entry = Buffer.alloc(length + ((8 - (length % 8)) % 8))
  entry.writeUInt32LE(length, 0)
  entry.writeUInt16LE(0x0200, 4)
  entry.writeUInt16LE(0x0002, 6)
  signature.copy(entry, 8)
  padded.writeUInt32LE(padded.length, optional + 144)
  padded.writeUInt32LE(entry.length, optional + 148)
  return Buffer.concat([padded, entry])
}

/** Of an image that is not signed yet. */
function digestOf(image: Buffer, optional: number): Buffer {
  const hash = createHash('sha256')
  hash.update(image.subarray(0, optional + 64))
  hash.update(image.subarray(optional + 68, optional + 144))
  return hash.update(image.subarray(optional + 152)).digest()
}

function signatureOf(imageDigest: Buffer, signer: ImageSigner, faults: SigningFaults): Buffer {
  const sha256 = sequence(oid('2.16.840.1.101.3.4.2.1'), der(0x05))
  // SpcPeImageData says nothing that is verified.
  const about = sequence(oid('1.3.6.1.4.1.311.2.1.15'), sequence(der(0x03, Buffer.from([0]))))
  const content = Buffer.concat([about, sequence(sha256, der(0x04, imageDigest))])
  const digest = createHash('sha256')
    .update(content)
    .update(faults.wrongMessageDigest ? 'x' : '')
    .digest()
  const attributes = Buffer.concat([
    sequence(oid('1.2.840.113549.1.9.3'), der(0x31, oid('1.3.6.1.4.1.311.2.1.4'))),
    sequence(oid('1.2.840.113549.1.9.4'), der(0x31, der(0x04, digest))),
  ])
  const signature = createSign('sha256')
    .update(der(0x31, attributes))
    .sign(faults.key ?? signer.key)
  const certificate = new x509.X509Certificate(signer.der)
  const issuer = Buffer.from(certificate.issuerName.toArrayBuffer())
  const signerInfo = sequence(
    der(0x02, Buffer.from([1])),
    sequence(issuer, der(0x02, Buffer.from(certificate.serialNumber, 'hex'))),
    sha256,
    der(0xa0, attributes),
    sequence(oid('1.2.840.10045.4.3.2')),
    der(0x04, signature),
  )
  const data = sequence(
    der(0x02, Buffer.from([1])),
    der(0x31, sha256),
    sequence(oid('1.3.6.1.4.1.311.2.1.4'), der(0xa0, sequence(content))),
    der(0xa0, Buffer.concat(faults.certificates ?? [signer.der])),
    der(0x31, signerInfo),
  )
  return sequence(oid('1.2.840.113549.1.7.2'), der(0xa0, data))
}

function der(tag: number, contents: Buffer = Buffer.alloc(0)): Buffer {
  const length = contents.length
  const header = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...header]), contents])
}

const sequence = (...parts: readonly Buffer[]) => der(0x30, Buffer.concat(parts))

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  const bytes = [first * 40 + second, ...rest].flatMap((number) => {
    const groups = [number & 0x7f]
    for (let left = number >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80)
    return groups
  })
  return der(0x06, Buffer.from(bytes))
}
