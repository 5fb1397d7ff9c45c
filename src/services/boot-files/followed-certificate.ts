import { dayOf } from '../../core/certificate-life.ts'
import { lifeOf, type Material } from '../../http/certificate.ts'
import { type CertificateFiles, followMaterial, keepLooking, openMaterial } from '../../http/certificate-files.ts'
import type { ServiceContext } from '../../operations/service.ts'
import { alertOfLife } from './certificate.ts'
import type { BootFilesSection } from './section.ts'

type Context = Pick<ServiceContext<BootFilesSection | undefined>, 'files' | 'alerts' | 'log' | 'now'>

const lifeAlert = 'boot-files.certificate'
const renewalAlert = 'boot-files.renewal'

function filesOf({ http }: BootFilesSection): CertificateFiles | undefined {
  return http?.tls && { ...http.tls, setting: 'bootFiles.http.tls' }
}

/** What is served by HTTPS with; undefined where nothing is. @throws AgentError `misconfigured` where nothing can be */
export async function openCertificate(
  { files }: Pick<Context, 'files'>,
  section: BootFilesSection,
): Promise<Material | undefined> {
  const named = filesOf(section)
  return named && openMaterial(named, files)
}

/** Where nothing is served by HTTPS, no certificate matters. */
export function settleCertificate({ alerts }: Pick<Context, 'alerts'>): void {
  for (const id of [lifeAlert, renewalAlert] as const) alerts.settle(id)
}

export interface FollowOptions {
  readonly section: BootFilesSection
  /** What is served now. */
  readonly first: Material | undefined
  /** Serves with these from now on. */
  readonly use: (material: Material) => void
  /** Between two looks at the files, in ms. */
  readonly every: number
}

/**
 * Serves a renewed certificate as soon as it is whole. What does not fit is an alert if it stays so, and the one before is kept; so is
 * that it is about to expire.
 */
export function followCertificate(context: Context, { section, first, use, every }: FollowOptions): Disposable {
  const { files, alerts, log, now } = context
  const named = filesOf(section)
  if (!first || !named) {
    settleCertificate(context)
    return { [Symbol.dispose]: () => {} }
  }
  const followed = followMaterial(named, files, first)
  const report = () => {
    const { served, fault } = followed
    alerts.report(lifeAlert, alertOfLife(served.cert, named.certificate, now().getTime()))
    const text = `the certificate in ${named.certificate} can't be renewed, and the previous one stays in use: ${fault}`
    alerts.report(renewalAlert, fault === undefined ? undefined : { severity: 'warning', subject: 'boot-files', text })
  }
  report()
  const stop = new AbortController()
  const looked = (fresh: Material | undefined) => {
    if (fresh) {
      use(fresh)
      log.info({ until: dayOf(lifeOf(fresh).to) }, 'the certificate for booting by HTTPS was renewed')
    }
    report()
  }
  void keepLooking(followed, { every, looked }, stop.signal)
  return { [Symbol.dispose]: () => stop.abort() }
}
