import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { SecretsBundle } from '../../../src/core/machine-config/secrets.ts'
import { createAuthority, type LabAuthority, withTalosLabel } from '../authority.ts'

const letters = '0123456789abcdefghijklmnopqrstuvwxyz'

/** The secrets of a lab's cluster, as `talosctl gen secrets` has them, around the authorities that it has already. */
export async function bundleOf(talos: LabAuthority, kubernetes: LabAuthority): Promise<SecretsBundle> {
  const [etcd, aggregator] = await Promise.all([createAuthority('etcd'), createAuthority('front-proxy')])
  const pair = ({ ca, key }: LabAuthority) => ({ crt: btoa(ca), key: btoa(withTalosLabel(key)) })
  // The lab signs nothing with it, so that it may be short.
  const account = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
  return {
    cluster: { id: randomBytes(32).toString('base64'), secret: randomBytes(32).toString('base64') },
    secrets: { bootstraptoken: token(), secretboxencryptionsecret: randomBytes(32).toString('base64') },
    trustdinfo: { token: token() },
    certs: {
      etcd: pair(etcd),
      k8s: pair(kubernetes),
      k8saggregator: pair(aggregator),
      k8sserviceaccount: { key: btoa(account.export({ type: 'pkcs1', format: 'pem' }).toString()) },
      os: pair(talos),
    },
  }
}

function token(): string {
  const text = (length: number) => [...randomBytes(length)].map((byte) => letters[byte % letters.length]).join('')
  return `${text(6)}.${text(16)}`
}
