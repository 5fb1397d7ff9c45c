import type { Severity } from '../../core/alert.ts'
import { dayOf, describeLife, type LifeStage, stageOf } from '../../core/certificate-life.ts'
import { lifeOf, type Material } from '../../http/certificate.ts'
import { type CertificateFiles, followMaterial, keepLooking } from '../../http/certificate-files.ts'
import type { ServiceContext } from '../../operations/service.ts'
import type { ApiSection } from './section.ts'

type Tls = NonNullable<ApiSection['tls']>

/** What is reported of them. */
export const certificateAlerts = ['api.renewal', 'api.certificate'] as const

/** Between two looks at the files, in ms. */
const looksEvery = 5_000

export const apiFiles = (tls: Tls): CertificateFiles => ({ ...tls, setting: 'api.tls' })

const severities: Readonly<Record<LifeStage, Severity | undefined>> = {
  'not-begun': 'warning',
  // Whoever renews it does so later than that.
  half: undefined,
  month: undefined,
  week: 'warning',
  day: 'warning',
  ended: 'warning',
}

export interface FollowOptions {
  readonly tls: Tls
  /** What is served now. */
  readonly first: Material
  /** Serves with these from now on. */
  readonly use: (material: Material) => void
  readonly every?: number
}

type FollowContext = Pick<ServiceContext<unknown>, 'files' | 'alerts' | 'log' | 'now'>

/**
 * Serves a renewed certificate as soon as it is whole; what does not fit is an alert if it stays so, and the one before is
 * kept. Ends with the signal, and never rejects.
 */
export async function followCertificate(
  { files, alerts, log, now }: FollowContext,
  { tls, first, use, every = looksEvery }: FollowOptions,
  signal: AbortSignal,
): Promise<void> {
  const followed = followMaterial(apiFiles(tls), files, first)
  reportLife(first, tls, { alerts, now })
  await keepLooking(
    followed,
    {
      every,
      looked: (fresh) => {
        if (fresh) {
          use(fresh)
          log.info({ until: dayOf(lifeOf(fresh).to) }, 'the certificate of the API was renewed')
        }
        reportRenewal(followed.fault, alerts)
        reportLife(followed.served, tls, { alerts, now })
      },
    },
    signal,
  )
}

function reportRenewal(why: string | undefined, alerts: FollowContext['alerts']): void {
  const text = `the certificate of the API can't be renewed, and the previous one stays in use: ${why}`
  alerts.report('api.renewal', why === undefined ? undefined : { severity: 'warning', subject: 'api', text })
}

function reportLife(served: Material, tls: Tls, { alerts, now }: Pick<FollowContext, 'alerts' | 'now'>): void {
  const life = lifeOf(served)
  const stage = stageOf(life, now().getTime())
  const severity = stage && severities[stage]
  const text = stage && describeLife(`the certificate of the API in ${tls.certificate}`, life, stage)
  alerts.report(
    'api.certificate',
    severity === undefined || text === undefined
      ? undefined
      : { severity, subject: 'api', text, action: 'Renew it: the new one is used within seconds' },
  )
}
