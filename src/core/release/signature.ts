import { malformed } from './byte-source.ts'
import { childrenOf, type Der, derTags, expectTag, oidOf, readDer } from './der.ts'

/** A signature of a program for EFI, as far as it is verified (Windows Authenticode PE Signature Format; RFC 2315). */
export interface ImageSignature {
  /** What was signed: the digest of the image, SHA-256. */
  readonly imageDigest: Uint8Array
  /** What the signer has hashed of that: the contents of SpcIndirectDataContent. */
  readonly content: Uint8Array
  /** X.509, DER: the signer's and those above it, as the image carries them. */
  readonly certificates: readonly Uint8Array[]
  readonly signers: readonly Signer[]
}

export interface Signer {
  /** The issuer's name and the serial number of the signer's certificate, DER. */
  readonly issuer: Uint8Array
  readonly serial: Uint8Array
  /** Of the attributes that are signed: the digest of the content. */
  readonly messageDigest: Uint8Array
  /** The attributes as they were signed. */
  readonly signed: Uint8Array
  readonly signature: Uint8Array
}

const oids = {
  signedData: '1.2.840.113549.1.7.2',
  indirectData: '1.3.6.1.4.1.311.2.1.4',
  messageDigest: '1.2.840.113549.1.9.4',
  sha256: '2.16.840.1.101.3.4.2.1',
}

/** WIN_CERT_REVISION_2_0 and WIN_CERT_TYPE_PKCS_SIGNED_DATA. */
const [revision, pkcs7] = [0x0200, 0x0002]
const mostSignatures = 16

/**
 * The signatures of an image: the entries of its certificate table, each padded to eight bytes.
 *
 * @throws AgentError `malformed`
 */
export function parseSignatures(table: Uint8Array): readonly ImageSignature[] {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength)
  const signatures: ImageSignature[] = []
  for (let at = 0; at + 8 <= table.length;) {
    const length = view.getUint32(at, true)
    if (length < 8 || at + length > table.length || signatures.length === mostSignatures)
      throw malformed('its certificate table is damaged')
    // Another kind of entry is left alone, as by firmware.
    if (view.getUint16(at + 4, true) === revision && view.getUint16(at + 6, true) === pkcs7)
      signatures.push(parseSignature(table.subarray(at + 8, at + length)))
    at += length + ((8 - (length % 8)) % 8)
  }
  return signatures
}

function parseSignature(bytes: Uint8Array): ImageSignature {
  const [kind, wrapped] = childrenOf(expectTag(readDer(bytes), derTags.sequence))
  if (oidOf(kind) !== oids.signedData) throw malformed('its signature is of a kind that firmware does not know')
  const [, , encapsulated, ...rest] = childrenOf(onlyChild(expectTag(wrapped, derTags.first), derTags.sequence))
  const { content, imageDigest } = parseContent(expectTag(encapsulated, derTags.sequence))
  // Certificates are optional, as revocation lists are; what signed stands last.
  const certificates = rest.find(({ tag }) => tag === derTags.first)
  return {
    content,
    imageDigest,
    certificates: certificates ? childrenOf(certificates).map(({ whole }) => whole) : [],
    signers: childrenOf(expectTag(rest.at(-1), derTags.set)).map(parseSigner),
  }
}

/** SpcIndirectDataContent: what it is about, and the digest of the image with its algorithm. */
function parseContent(encapsulated: Der): Pick<ImageSignature, 'content' | 'imageDigest'> {
  const [kind, wrapped] = childrenOf(encapsulated)
  if (oidOf(kind) !== oids.indirectData) throw malformed('its signature is not of a program')
  const indirect = onlyChild(expectTag(wrapped, derTags.first), derTags.sequence)
  const [algorithm, digest] = childrenOf(expectTag(childrenOf(indirect)[1], derTags.sequence))
  demandSha256(algorithm)
  return { content: indirect.contents, imageDigest: expectTag(digest, derTags.octets).contents }
}

function parseSigner(signer: Der): Signer {
  const [, id, algorithm, attributes, , signature] = childrenOf(expectTag(signer, derTags.sequence))
  const [issuer, serial] = childrenOf(expectTag(id, derTags.sequence))
  demandSha256(algorithm)
  const { whole } = expectTag(attributes, derTags.first)
  const digest = childrenOf(expectTag(attributes, derTags.first)).find(
    (attribute) => oidOf(childrenOf(attribute)[0]) === oids.messageDigest,
  )
  if (!digest) throw malformed('its signature signs nothing')
  // As a SET, which is what it is (RFC 2315, 9.3).
  const signed = Uint8Array.from(whole)
  signed[0] = derTags.set
  return {
    issuer: expectTag(issuer, derTags.sequence).whole,
    serial: expectTag(serial, derTags.integer).contents,
    messageDigest: onlyChild(expectTag(childrenOf(digest)[1], derTags.set), derTags.octets).contents,
    signed,
    signature: expectTag(signature, derTags.octets).contents,
  }
}

function demandSha256(algorithm: Der | undefined): void {
  if (oidOf(childrenOf(expectTag(algorithm, derTags.sequence))[0]) !== oids.sha256)
    throw malformed('its signature is by another digest than SHA-256')
}

function onlyChild(value: Der, tag: number): Der {
  return expectTag(childrenOf(value)[0], tag)
}
