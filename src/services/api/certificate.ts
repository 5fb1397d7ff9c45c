import { setTimeout as sleep } from 'node:timers/promises'
import { dayOf, describeLife, type LifeStage, stageOf } from '../../core/certificate-life.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { Severity } from '../../core/alert.ts'
import { lifeOf, type Material, whyUnusable } from '../../http/certificate.ts'
import type { Files, ServiceContext } from '../../operations/service.ts'
import type { ApiSection } from './section.ts'

type Tls = NonNullable<ApiSection['tls']>

/** What is reported of them. */
export const certificateAlerts = ['api.renewal', 'api.certificate'] as const

/** Between two looks at the files, in ms. */
const looksEvery = 5_000

/** @throws AgentError `misconfigured`, `unreachable`; names the file */
export async function readMaterial(files: Pick<Files, 'readSecret'>, { certificate, key }: Tls): Promise<Material> {
  return {
    cert: await files.readSecret({ file: certificate }, 'api.tls.certificate'),
    key: await files.readSecret({ file: key }, 'api.tls.key'),
  }
}

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
  let served = first
  let doubted: string | undefined

  /** Why what lies there can't be served. */
  async function look(): Promise<string | undefined> {
    const found = await readMaterial(files, tls).catch(messageOf)
    if (typeof found === 'string') return found
    if (found.cert === served.cert && found.key === served.key) return undefined
    const fault = whyUnusable(found, tls)
    if (fault) return fault.why
    use(found)
    served = found
    log.info({ until: dayOf(lifeOf(found).to) }, 'the certificate of the API was renewed')
    return undefined
  }

  while (!signal.aborted) {
    reportLife(served, tls, { alerts, now })
    await sleep(every, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    const why = await look()
    // Once may be the moment in which the files are written.
    if (why === undefined || why === doubted) reportRenewal(why, alerts)
    doubted = why
  }
}

function reportRenewal(why: string | undefined, alerts: FollowContext['alerts']): void {
  const text = `the certificate of the API can't be renewed, the one before is used: ${why}`
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

/** @throws AgentError `misconfigured` where nothing can be served with what is there */
export async function openMaterial(files: Pick<Files, 'readSecret'>, tls: Tls): Promise<Material> {
  const material = await readMaterial(files, tls)
  const fault = whyUnusable(material, tls)
  if (fault) throw new AgentError('misconfigured', `api.tls.${fault.of}: ${fault.why}`)
  return material
}
