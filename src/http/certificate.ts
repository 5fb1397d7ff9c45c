import { createPrivateKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { createSecureContext } from 'node:tls'

/** PEM texts. */
export interface Material {
  readonly cert: string
  readonly key: string
}

/** Paths of the two, as the configuration names them. */
export interface MaterialFiles {
  readonly certificate: string
  readonly key: string
}

/** What is wrong with a certificate or its key, and with which of them. */
export interface MaterialFault {
  readonly of: 'certificate' | 'key'
  readonly why: string
}

/** Why nothing can be served with these; undefined where it can. Names the files, and quotes nothing of them. */
export function whyUnusable(
  { cert, key }: Material,
  { certificate: certFile, key: keyFile }: MaterialFiles,
): MaterialFault | undefined {
  const certificate = attempt(() => new X509Certificate(cert))
  if (!certificate) return { of: 'certificate', why: `${certFile} contains no whole PEM certificate` }
  const privateKey = attempt(() => createPrivateKey(key))
  if (!privateKey)
    return { of: 'key', why: `${keyFile} contains no whole private key in PEM, or one that has a passphrase` }
  if (!certificate.checkPrivateKey(privateKey))
    return { of: 'key', why: `the key in ${keyFile} does not belong to the certificate in ${certFile}` }
  // What is wrong further down the chain.
  const context = attempt(() => createSecureContext({ cert, key }))
  return context ? undefined : { of: 'certificate', why: `the certificates in ${certFile} can't be used for TLS` }
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

/** Of a certificate that can be read. Times in ms since the epoch. */
export function lifeOf({ cert }: Pick<Material, 'cert'>) {
  const { validFromDate, validToDate } = new X509Certificate(cert)
  return { from: validFromDate.getTime(), to: validToDate.getTime() }
}

/** Whether browsers take it for this name or address. */
export function isFor({ cert }: Pick<Material, 'cert'>, name: string): boolean {
  const certificate = new X509Certificate(cert)
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined
}
