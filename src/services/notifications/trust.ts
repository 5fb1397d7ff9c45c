import { X509Certificate } from 'node:crypto'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { AgentError } from '../../core/errors.ts'
import { certificatesIn } from '../../core/pem.ts'
import type { Files } from '../../operations/service.ts'

/** Whose certificates a channel believes; undefined: those of the public CAs, and of `NODE_EXTRA_CA_CERTS`. */
export type Trust = SecureContext | undefined

export interface Authorities {
  /** A file with the CA of one channel's server: nobody else vouches for that. */
  readonly own: string | undefined
  /** A file with a CA of the homelab, beside the public ones. */
  readonly shared: string | undefined
}

/** `setting` names the channel. @throws AgentError `misconfigured` where a file holds no certificates */
export async function readTrust(
  { own, shared }: Authorities,
  setting: string,
  files: Pick<Files, 'readSecret'>,
): Promise<Trust> {
  if (own !== undefined) return createSecureContext({ ca: await readAuthority(own, `${setting}.ca`, files) })
  if (shared === undefined) return undefined
  const ca = await readAuthority(shared, 'notifications.ca', files)
  return createSecureContext({ ca: [...getCACertificates('default'), ca] })
}

async function readAuthority(file: string, setting: string, files: Pick<Files, 'readSecret'>): Promise<string> {
  const text = await files.readSecret({ file }, setting)
  const blocks = certificatesIn(text)
  // One that is broken would be passed over without a word.
  if (blocks.length === 0 || !blocks.every(isCertificate))
    throw new AgentError('misconfigured', `${setting}: ${file} holds no PEM certificate, or a damaged one`)
  return text
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).raw.length > 0
  } catch {
    return false
  }
}
