import { dayOf, describeLife, type LifeStage, stageOf } from '../../core/certificate-life.ts'
import { lifeOf, type Material } from '../../http/certificate.ts'
import { followMaterial, openMaterial } from '../../http/certificate-files.ts'
import type { ServiceContext } from '../../operations/service.ts'
import type { MachineConfigSection } from './section.ts'

/** What the door serves with, and how it goes on. */
export interface Certificates {
  /** What is to be served with from now on; undefined where that is what was served before. Never rejects. */
  renew(): Promise<Material | undefined>
}

type Context = Pick<ServiceContext<unknown>, 'files' | 'alerts' | 'log' | 'now' | 'authority'>
type Tls = NonNullable<MachineConfigSection['tls']>

/** In ms: how old a certificate of our own authority gets. It is good for much longer. */
const reissuedAfter = 30 * 86_400_000

const alertId = 'machine-config.certificate'

/** Where nothing is served by HTTPS, no certificate matters. */
export function settleCertificate({ alerts }: Pick<Context, 'alerts'>): void {
  alerts.report(alertId, undefined)
}

/**
 * The certificate of the door: of our own authority, or from files.
 *
 * @throws AgentError where there is none to serve with
 */
export async function openCertificates(
  context: Context,
  tls: Tls,
  host: string,
): Promise<{ readonly first: Material; readonly certificates: Certificates }> {
  return 'ca' in tls ? openOwn(context, host) : openFiles(context, tls)
}

async function openOwn({ authority, alerts, now }: Context, host: string) {
  settleCertificate({ alerts })
  const own = await authority(host)
  let issuedAt = now().getTime()
  const certificates: Certificates = {
    renew: async () => {
      const age = now().getTime() - issuedAt
      // A clock that was set back says nothing of its age.
      if (age >= 0 && age < reissuedAfter) return undefined
      issuedAt = now().getTime()
      return own.issue(now())
    },
  }
  return { first: own.issue(now()), certificates }
}

async function openFiles({ files, alerts, log, now }: Context, tls: Extract<Tls, { certificate: string }>) {
  const named = { ...tls, setting: 'machineConfig.tls' }
  const first = await openMaterial(named, files)
  const followed = followMaterial(named, files, first)

  function report(): void {
    const { served, fault } = followed
    const life = lifeOf(served)
    const stage = stageOf(life, now().getTime())
    const isOver = stage !== undefined && alarming.has(stage)
    const text =
      fault === undefined
        ? isOver
          ? describeLife(`the certificate in ${tls.certificate}`, life, stage)
          : undefined
        : `the certificate in ${tls.certificate} can't be renewed, and the previous one stays in use: ${fault}`
    alerts.report(alertId, text === undefined ? undefined : { severity: 'warning', subject: 'machine-config', text })
  }

  report()
  const certificates: Certificates = {
    renew: async () => {
      const fresh = await followed.renew()
      if (fresh) log.info({ until: dayOf(lifeOf(fresh).to) }, 'the certificate of the door for machines was renewed')
      report()
      return fresh
    },
  }
  return { first, certificates }
}

/** Machines refuse it, or will soon. */
const alarming: ReadonlySet<LifeStage> = new Set<LifeStage>(['not-begun', 'week', 'day', 'ended'])
