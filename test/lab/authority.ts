import 'reflect-metadata'
import { createHash, randomBytes, type webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const ed25519 = { name: 'Ed25519' }
const year = 365 * 24 * 3_600_000

/** A certificate and its key, as PEM; the key says `PRIVATE KEY` (PKCS#8). */
export interface Identity {
  readonly cert: string
  readonly key: string
}

/** A certificate authority of the lab: Ed25519, as Talos' own is (siderolabs/crypto x509). */
export interface LabAuthority {
  /** The authority's certificate, PEM. */
  readonly ca: string
  /** Its key, PEM. */
  readonly key: string
  /** A server's certificate: Ed25519, EKU serverAuth only, with these IP addresses and DNS names in its SAN. */
  issueServer(names: { common: string; ips?: readonly string[]; dns?: readonly string[] }): Promise<Identity>
  /**
   * A client's certificate: its roles (Talos) or groups (Kubernetes) are the subject's O, EKU is clientAuth alone. It is
   * good for a year from the authority's birth, or between these days.
   */
  issueClient(names: {
    common: string
    organizations: readonly string[]
    from?: Date | undefined
    to?: Date | undefined
  }): Promise<Identity>
}

export interface Link {
  readonly kind: 'RSA' | 'P-256'
  readonly from?: Date
  readonly to?: Date
}

/** Certificates that sign one another, PEM, the server's first and the root last, and the server's key. */
export async function createChain(
  links: readonly Link[],
): Promise<{ readonly certs: readonly string[]; readonly key: string }> {
  const made = await Promise.all(
    links.map(async ({ kind }) => ({
      kind,
      keys: await crypto.subtle.generateKey(algorithmOf(kind), true, ['sign', 'verify']),
    })),
  )
  const now = Date.now()
  const certs = await Promise.all(
    links.map(async ({ from = new Date(now - 60_000), to = new Date(now + year) }, index) => {
      const above = Math.min(index + 1, links.length - 1)
      const certificate = await x509.X509CertificateGenerator.create({
        subject: `CN=boot ${index}`,
        issuer: `CN=boot ${above}`,
        publicKey: made[index]!.keys.publicKey,
        signingKey: made[above]!.keys.privateKey,
        signingAlgorithm: algorithmOf(made[above]!.kind),
        serialNumber: `0${index + 1}`,
        notBefore: from,
        notAfter: to,
        extensions: [new x509.BasicConstraintsExtension(index > 0, undefined, true)],
      })
      return `${certificate.toString('pem')}\n`
    }),
  )
  return { certs, key: pem(await crypto.subtle.exportKey('pkcs8', made[0]!.keys.privateKey)) }
}

function algorithmOf(kind: Link['kind']) {
  const rsa = {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: 2_048,
    publicExponent: Uint8Array.of(1, 0, 1),
    hash: 'SHA-256',
  }
  return kind === 'RSA' ? rsa : { name: 'ECDSA', namedCurve: kind, hash: 'SHA-256' }
}

export async function createAuthority(organization: string): Promise<LabAuthority> {
  const keys = await generateKeys()
  const name = `O=${organization}`
  const now = Date.now()
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name,
    keys,
    serialNumber: randomBytes(8).toString('hex'),
    notBefore: new Date(now - 60_000),
    notAfter: new Date(now + 10 * year),
    signingAlgorithm: ed25519,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })

  async function issue(
    subject: x509.JsonName,
    { from = new Date(now - 60_000), to }: { from?: Date | undefined; to: Date },
    extensions: x509.Extension[],
  ): Promise<Identity> {
    const own = await generateKeys()
    const cert = await x509.X509CertificateGenerator.create({
      subject,
      issuer: name,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: ed25519,
      serialNumber: createHash('sha256').update(randomBytes(16)).digest('hex').slice(0, 16),
      notBefore: from,
      notAfter: to,
      extensions: [
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
        ...extensions,
      ],
    })
    return { cert: cert.toString('pem') + '\n', key: pem(await crypto.subtle.exportKey('pkcs8', own.privateKey)) }
  }

  return {
    ca: ca.toString('pem') + '\n',
    key: pem(await crypto.subtle.exportKey('pkcs8', keys.privateKey)),
    issueServer: ({ common, ips = [], dns = [] }) =>
      issue([{ CN: [common] }], { to: new Date(now + 24 * 3_600_000) }, [
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension([
          ...ips.map((value) => ({ type: 'ip' as const, value })),
          ...dns.map((value) => ({ type: 'dns' as const, value })),
        ]),
      ]),
    issueClient: ({ common, organizations, from, to = new Date(now + year) }) =>
      // All organizations stand in one part of the subject, before the name, as Go writes them (crypto/x509/pkix).
      issue([...(organizations.length > 0 ? [{ O: [...organizations] }] : []), { CN: [common] }], { from, to }, [
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
      ]),
  }
}

/** Talos labels its Ed25519 keys in a way of its own; OpenSSL refuses the label (siderolabs/crypto x509/key.go). */
export function withTalosLabel(key: string): string {
  return key.replaceAll('PRIVATE KEY', 'ED25519 PRIVATE KEY')
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return (await crypto.subtle.generateKey(ed25519, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
}

function pem(der: ArrayBuffer): string {
  const body = Buffer.from(der).toString('base64').replaceAll(/.{64}/g, '$&\n').trimEnd()
  return `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`
}
