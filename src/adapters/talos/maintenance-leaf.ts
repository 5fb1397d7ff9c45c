import { createHash, type X509Certificate } from 'node:crypto'
import type { PeerCertificate } from 'node:tls'

/** A leaf that no authority has a name for, and that says what it is (siderolabs/talos controllers/secrets/api.go). */
export function isOfMaintenance({ issuer, subject }: Pick<PeerCertificate, 'issuer' | 'subject'>): boolean {
  return Object.keys(issuer ?? {}).length === 0 && subject?.CN === 'maintenance-service.talos.dev'
}

/** As Talos writes it on the console. */
export function fingerprintOf({ publicKey }: Pick<X509Certificate, 'publicKey'>): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
}
