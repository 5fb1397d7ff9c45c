import 'reflect-metadata'
import { createHash, randomBytes, type webcrypto, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { Identity } from '../authority.ts'

const ed25519 = { name: 'Ed25519' }
const day = 86_400_000

/** A certificate of a machine in maintenance: of an authority of its own that nobody knows, without a name. */
export interface MaintenanceLeaf extends Identity {
  /** As its console shows it: of the key, SHA-256 in base64. */
  readonly fingerprint: string
}

export async function createLeaf(names: {
  readonly address: string
  readonly hostname: string | undefined
}): Promise<MaintenanceLeaf> {
  const [issuer, own] = await Promise.all([generateKeys(), generateKeys()])
  const now = Date.now()
  const ips = [names.address, '127.0.0.1', '::1'].map((value) => ({ type: 'ip' as const, value }))
  const dns = names.hostname === undefined ? [] : [{ type: 'dns' as const, value: names.hostname }]
  const made = await x509.X509CertificateGenerator.create({
    subject: [{ CN: ['maintenance-service.talos.dev'] }],
    issuer: '',
    publicKey: own.publicKey,
    signingKey: issuer.privateKey,
    signingAlgorithm: ed25519,
    serialNumber: randomBytes(16).toString('hex'),
    notBefore: new Date(now),
    notAfter: new Date(now + day),
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([...ips, ...dns]),
    ],
  })
  const cert = `${made.toString('pem')}\n`
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', own.privateKey)).toString('base64')
  return {
    cert,
    key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
    fingerprint: createHash('sha256')
      .update(new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' }))
      .digest('base64'),
  }
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return (await crypto.subtle.generateKey(ed25519, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
}
