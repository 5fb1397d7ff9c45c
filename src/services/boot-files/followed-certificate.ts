import type { ServiceContext } from '../../operations/service.ts'
import { alertOfLife } from './certificate.ts'
import type { ServeOrder } from './messages.ts'
import type { BootFilesSection } from './section.ts'

type Context = Pick<ServiceContext<BootFilesSection | undefined>, 'files' | 'alerts' | 'now' | 'restart'>

const lifeAlert = 'boot-files.certificate'

/** @throws AgentError `misconfigured` where a file can't be read */
export async function readCertificate(
  { files }: Pick<Context, 'files'>,
  { http }: BootFilesSection,
): Promise<ServeOrder['tls']> {
  return (
    http?.tls && {
      cert: await files.readSecret({ file: http.tls.certificate }, 'bootFiles.http.tls.certificate'),
      key: await files.readSecret({ file: http.tls.key }, 'bootFiles.http.tls.key'),
    }
  )
}

/** Where nothing is served by HTTPS, no certificate matters. */
export function settleCertificate({ alerts }: Pick<Context, 'alerts'>): void {
  alerts.settle(lifeAlert)
}

/**
 * Has the service begin anew when the files hold another certificate than the one that is served, and says when that one
 * is about to expire.
 *
 * @param readsEvery in ms
 */
export function followCertificate(
  context: Context,
  { section, served, readsEvery }: { section: BootFilesSection; served: ServeOrder['tls']; readsEvery: number },
): Disposable {
  const file = section.http?.tls?.certificate
  if (!served || file === undefined) {
    settleCertificate(context)
    return { [Symbol.dispose]: () => {} }
  }
  const report = () => context.alerts.report(lifeAlert, alertOfLife(served.cert, file, context.now().getTime()))
  report()
  const rereading = setInterval(() => {
    report()
    readCertificate(context, section).then(
      (found) => {
        if (found?.cert !== served.cert || found.key !== served.key) context.restart()
      },
      // A file that is being written: what is in use stays in use.
      () => {},
    )
  }, readsEvery).unref()
  return { [Symbol.dispose]: () => clearInterval(rereading) }
}
