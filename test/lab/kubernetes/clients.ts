import { X509Certificate } from 'node:crypto'
import { stringify } from 'yaml'
import type { LabAuthority } from '../authority.ts'

export interface KubeconfigOptions {
  readonly user?: string
  readonly groups?: readonly string[]
  /** From when to when its certificate is good: a year from now unless said. */
  readonly from?: Date | undefined
  readonly to?: Date | undefined
}

/** The client certificates that an API server has handed out. */
export interface Clients {
  /** A kubeconfig with a new client certificate: user 'admin' in 'system:masters' unless said. */
  kubeconfig(options?: KubeconfigOptions): Promise<string>
  /** Every client certificate that was made up to now counts as ended, and is answered with 401. */
  expireCredentials(): void
  /** Their fingerprints. */
  readonly expired: ReadonlySet<string>
}

/** `server`: the API server's URL, as it is by then. */
export function createClients(authority: LabAuthority, server: () => string): Clients {
  const issued = new Set<string>()
  const expired = new Set<string>()
  return {
    expired,
    async kubeconfig({ user = 'admin', groups = ['system:masters'], from, to } = {}) {
      const { cert, key } = await authority.issueClient({ common: user, organizations: groups, from, to })
      issued.add(new X509Certificate(cert).fingerprint256)
      const base64 = (text: string): string => Buffer.from(text).toString('base64')
      return stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'lab', cluster: { server: server(), 'certificate-authority-data': base64(authority.ca) } }],
        users: [{ name: user, user: { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) } }],
        contexts: [{ name: `${user}@lab`, context: { cluster: 'lab', namespace: 'default', user } }],
        'current-context': `${user}@lab`,
      })
    },
    expireCredentials() {
      for (const fingerprint of issued) expired.add(fingerprint)
    },
  }
}
