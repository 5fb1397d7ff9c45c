import { createHash, verify, X509Certificate } from 'node:crypto'
import { childrenOf, derTags, readDer } from '../../core/release/der.ts'
import type { ImageSignature, Signer } from '../../core/release/signature.ts'

/** How many certificates may stand between a signer's and a pinned one. */
const longestChain = 8

/**
 * Why none of these signatures is one of this image by a pinned certificate, or by one that a pinned one vouches for;
 * undefined where one is. As firmware does, nothing is asked of how long certificates are valid.
 *
 * @param imageDigest Authenticode's of the image, lower-case hex
 * @param pinned PEM
 */
export function whyNotSignedBy(
  signatures: readonly ImageSignature[],
  imageDigest: string,
  pinned: readonly string[],
): string | undefined {
  if (signatures.length === 0) return 'it is not signed'
  const trusted = pinned.map((text) => new X509Certificate(text))
  const reasons = signatures.map((signature) => whyNotValid(signature, imageDigest, trusted))
  return reasons.includes(undefined) ? undefined : reasons[0]
}

function whyNotValid(
  signature: ImageSignature,
  imageDigest: string,
  trusted: readonly X509Certificate[],
): string | undefined {
  if (Buffer.from(signature.imageDigest).toString('hex') !== imageDigest)
    return 'its signature is that of another image: it was changed after it was signed'
  const own = certificatesOf(signature)
  const content = createHash('sha256').update(signature.content).digest()
  const reasons = signature.signers.map((signer) => {
    if (!content.equals(signer.messageDigest)) return 'its signature does not fit what it signs'
    const certificate = [...own, ...trusted].find((one) => isOf(signer, one))
    if (!certificate) return 'it does not carry the certificate that it is signed by, which is not a pinned one either'
    if (!isSignedBy(signer, certificate)) return 'its signature is wrong'
    if (!leadsTo(certificate, own, trusted)) return `it is signed by ${subjectOf(certificate)}, which is not pinned`
    return undefined
  })
  return reasons.length > 0 && reasons.includes(undefined) ? undefined : (reasons[0] ?? 'nobody has signed it')
}

/** Those that can be read: others are of no use. */
function certificatesOf({ certificates }: ImageSignature): readonly X509Certificate[] {
  return certificates.flatMap((der) => {
    try {
      return [new X509Certificate(der)]
    } catch {
      return []
    }
  })
}

/** RFC 5280, 4.1: TBSCertificate with its version, serial number, algorithm and issuer. */
function isOf({ issuer, serial }: Signer, certificate: X509Certificate): boolean {
  const [tbs] = childrenOf(readDer(certificate.raw))
  const fields = tbs ? childrenOf(tbs) : []
  const [number, , name] = fields[0]?.tag === derTags.first ? fields.slice(1) : fields
  return number !== undefined && name !== undefined && isEqual(number.contents, serial) && isEqual(name.whole, issuer)
}

function isSignedBy({ signed, signature }: Signer, { publicKey }: X509Certificate): boolean {
  try {
    return verify('sha256', signed, publicKey, signature)
  } catch {
    return false
  }
}

function leadsTo(
  certificate: X509Certificate,
  own: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
): boolean {
  let present: X509Certificate | undefined = certificate
  for (let step = 0; present && step < longestChain; step++) {
    const one: X509Certificate = present
    if (trusted.some((pin) => pin.raw.equals(one.raw) || isIssued(one, pin))) return true
    present = own.find((above) => !above.raw.equals(one.raw) && isIssued(one, above))
  }
  return false
}

function isIssued(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
  } catch {
    return false
  }
}

const isEqual = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

const subjectOf = ({ subject }: X509Certificate) => subject.replaceAll('\n', ', ')
