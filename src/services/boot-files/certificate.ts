import { X509Certificate } from 'node:crypto'
import type { AlertContent, Severity } from '../../core/alert.ts'
import { dayOf, describeLife, type LifeStage, stageOf } from '../../core/certificate-life.ts'
import { messageOf } from '../../core/errors.ts'
import { certificatesIn } from '../../core/pem.ts'
import { lifeOf } from '../../http/certificate.ts'
import type { SectionFault } from '../../operations/service.ts'

const setting = 'bootFiles.http.tls.certificate'

/**
 * What firmware makes of a file of certificates, the server's own first and then whoever signed the one before. EDK2 was long built
 * without elliptic curves: OVMF 2022.11 was seen to hang up on a server with one of P-256, and to take one of RSA.
 *
 * @param now in ms since the epoch
 */
export function judgeCertificates(pem: string, now: number): readonly SectionFault[] {
  const blocks = certificatesIn(pem)
  if (blocks.length === 0) return [{ setting, why: 'it is no certificate in PEM' }]
  const chain: X509Certificate[] = []
  for (const [index, block] of blocks.entries())
    try {
      chain.push(new X509Certificate(block))
    } catch (error) {
      return [{ setting, why: `certificate ${index + 1} of ${blocks.length} in it can't be read: ${messageOf(error)}` }]
    }
  const nameOf = (index: number) => (chain.length === 1 ? 'it' : `certificate ${index + 1} of ${chain.length} in it`)
  return [
    ...orderFaults(chain),
    ...chain.flatMap((certificate, index) => lifeFaults(certificate, nameOf(index), now)),
    ...kindFaults(chain, nameOf),
  ]
}

/** Whoever has firmware that knows an authority of one's own renews by hand: a month before is early enough, and a week is late. */
const severities: Readonly<Record<LifeStage, Severity | undefined>> = {
  'not-begun': 'warning',
  half: undefined,
  month: 'info',
  week: 'warning',
  day: 'warning',
  ended: 'warning',
}

/**
 * The alert about the certificates that are served; undefined while none is due. That of an authority counts like the
 * server's own: a chain ends with the first of it that expires.
 *
 * @param pem certificates that a server runs with
 * @param file as the configuration names it
 * @param now in ms since the epoch
 */
export function alertOfLife(pem: string, file: string, now: number): AlertContent | undefined {
  const lives = certificatesIn(pem).map((cert) => lifeOf({ cert }))
  const staged = lives.flatMap((life, index) => {
    const stage = stageOf(life, now)
    if (stage === undefined) return []
    const severity = severities[stage]
    return severity === undefined ? [] : [{ life, stage, severity, index }]
  })
  const first = staged.toSorted((one, other) => one.life.to - other.life.to)[0]
  if (!first) return undefined
  const what = lives.length === 1 ? 'the certificate' : `certificate ${first.index + 1} of ${lives.length}`
  return {
    severity: first.severity,
    subject: 'boot-files',
    text: `${describeLife(`${what} in ${file}`, first.life, first.stage)}; firmware may refuse one that is not valid`,
    ...(first.stage === 'not-begun' ? {} : { action: 'Renew it: the new one is served within a minute' }),
  }
}

function orderFaults(chain: readonly X509Certificate[]): readonly SectionFault[] {
  // A server shows the first one as its own.
  if (chain.length > 1 && chain[0]!.ca)
    return [{ setting, why: 'it begins with an authority: put the certificate of the server first' }]
  const broken = chain.findIndex((certificate, index) => index > 0 && !isSignedBy(chain[index - 1]!, certificate))
  if (broken === -1) return []
  const why = `certificate ${broken + 1} in it did not sign certificate ${broken}: put each one after the one that it signed`
  return [{ setting, severity: 'warning', why }]
}

/** Of two authorities with one name only one has the key. */
function isSignedBy(certificate: X509Certificate, signer: X509Certificate): boolean {
  return certificate.checkIssued(signer) && certificate.verify(signer.publicKey)
}

function lifeFaults({ validFromDate, validToDate }: X509Certificate, name: string, now: number): SectionFault[] {
  const [from, to] = [validFromDate.getTime(), validToDate.getTime()]
  if (now >= to) return [{ setting, severity: 'warning', why: `${name} expired on ${dayOf(to)}: renew it` }]
  if (now >= from) return []
  const why = `${name} is not valid before ${dayOf(from)}: check the clock of this machine`
  return [{ setting, severity: 'warning', why }]
}

/** The first that is not RSA is enough: what to do is the same. The authority is often not in the file, and its signature is. */
function kindFaults(chain: readonly X509Certificate[], nameOf: (index: number) => string): SectionFault[] {
  const advice = 'much firmware knows RSA alone: use a certificate with an RSA key, signed by an authority with one'
  const other = chain.findIndex(({ publicKey }) => publicKey.asymmetricKeyType !== 'rsa')
  if (other !== -1) {
    const kind = chain[other]!.publicKey.asymmetricKeyType
    return [{ setting, severity: 'warning', why: `the key of ${nameOf(other)} is of type ${kind}, and ${advice}` }]
  }
  const last = chain.length - 1
  const { signatureAlgorithm } = chain[last]!
  if (signatureAlgorithm === undefined || /rsa/i.test(signatureAlgorithm)) return []
  return [{ setting, severity: 'warning', why: `${nameOf(last)} is signed with ${signatureAlgorithm}, and ${advice}` }]
}
