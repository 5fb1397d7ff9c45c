import { X509Certificate } from 'node:crypto'
import { compileCheck } from '../adapters/checks/checks.ts'
import { describeCredential, lifeOf, lifeOfCertificate } from '../adapters/kubernetes/entry.ts'
import type { Access } from '../adapters/kubernetes/kubeconfig.ts'
import { doubtful, type Mistake, wrong } from '../config/mistake.ts'
import { findMistakes } from '../config/mistakes.ts'
import { dayOf, describeLife, stageOf } from '../core/certificate-life.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import { byPlace, type Fault, faultLine } from '../core/fault.ts'
import { certificatesIn } from '../core/pem.ts'
import { isAdminAccess, newAccess, readKubernetes, readTalos } from '../main/credentials.ts'
import { faultsOfServices } from '../main/services.ts'
import { type Environment, inspectSettings, type Settings } from '../main/settings.ts'
import { isUrl } from '../main/wiring.ts'
import { checkFactory } from './check-factory.ts'
import { checkMachines } from './check-machines.ts'
import { checkPlaces } from './check-places.ts'
import { checkSecrets } from './check-secrets.ts'
import { attempt, exposureOf, type Findings } from './findings.ts'

/** What is wrong with a configuration and everything that it names, all at once. Nothing is contacted. */
export interface CheckAnswer {
  /** Undefined where there is none. */
  readonly file: string | undefined
  /** What surely does not work. */
  readonly faults: readonly Fault[]
  /** Those that keep the file from being a configuration at all come first, so many of them. */
  readonly ofShape: number
  /** What is probably not meant so. */
  readonly warnings: readonly Fault[]
  /** How long our own credentials live. */
  readonly credentials: readonly string[]
  /** To go on with: undefined where the file is none. */
  readonly settings: Settings | undefined
}

/** @throws AgentError `misconfigured` where there is no file to read */
export async function checkConfiguration(
  named: string | undefined,
  environment: Environment,
  user: number,
): Promise<CheckAnswer> {
  const { file, faults, doubts, settings, assumed, raw, pathOf, placeOf } = await inspectSettings(named, environment)
  const answer = { file, faults, ofShape: faults.length, warnings: [], credentials: [], settings: undefined }
  if (settings === undefined) return answer
  // Also in what does not fit the shape: all that is wrong is told at once.
  const ofSecrets = await checkSecrets(settings, raw, user)
  const others = (await findOthers(settings, ofSecrets)).map((one) => ({ ...one, path: pathOf(one.path) }))
  const told = [...ofSecrets, ...others, ...doubts.map(({ path, text }) => doubtful(path, text))]
    .filter(({ path }) => !assumed.includes(String(path[0])))
    .map(({ severity, path, text }) => {
      return { severity, fault: { file, ...placeOf(path), setting: path.join('.'), message: text } }
    })
  const of = (wanted: Mistake['severity'], before: readonly Fault[] = []) => {
    const all = [...before, ...told.flatMap(({ severity, fault }) => (severity === wanted ? [fault] : []))]
    // Two checks may find the same.
    return [...new Map(all.map((one) => [faultLine(one), one])).values()].toSorted(byPlace)
  }
  const machines = await checkMachines(settings)
  return {
    ...answer,
    faults: [...of('error', faults), ...machines.faults],
    warnings: [...of('warning'), ...machines.warnings],
    credentials: await livesOf(settings),
    settings: faults.length === 0 ? settings : undefined,
  }
}

/** What is wrong beside secrets, which services need not tell once more. */
async function findOthers(settings: Settings, ofSecrets: Findings): Promise<Findings> {
  const checks = await Promise.all([
    checkCredentials(settings),
    checkUpgrade(settings),
    checkPlaces(settings),
    checkFactory(settings),
  ])
  const found = [...findMistakes(settings.config, new Date()), ...checks.flat()]
  const known = new Set([...ofSecrets, ...found].map(({ path }) => path.join('.')))
  const ofServices = (await faultsOfServices(settings)).filter(({ setting }) => !known.has(setting))
  return [
    ...found,
    ...ofServices.flatMap(({ setting, why, severity = 'error' }) =>
      why.split('\n').map((text): Mistake => ({ severity, path: setting.split('.'), text })),
    ),
  ]
}

async function checkCredentials(settings: Settings): Promise<Findings> {
  const { config, path } = settings
  const { talosconfig, kubeconfig } = config.cluster
  const share = path(config.share.directory)
  const [ofTalos, ofKubernetes] = [
    ['cluster', 'talosconfig'],
    ['cluster', 'kubeconfig'],
  ]
  const found: Mistake[] = []
  if (talosconfig !== undefined) {
    found.push(
      ...(await attempt(ofTalos, async () => {
        const { value, file } = await readTalos(settings)
        refuseEnded(value.ca, `${file}: the CA of the nodes`)
      })),
      ...(await exposureOf(ofTalos, path(talosconfig), share)),
    )
  } else if (config.nodes.length > 0)
    found.push(doubtful(ofTalos, 'without a talosconfig no node is watched, upgraded or shut down: set it'))
  if (kubeconfig !== undefined)
    found.push(
      ...(await attempt(ofKubernetes, async () => {
        const { value, file } = await readKubernetes(settings, kubeconfig)
        const ended = await whyEnded(settings, value, file)
        if (ended?.isFinal) throw new AgentError('misconfigured', ended.text)
        if (value.ca !== undefined) refuseEnded(value.ca, `${file}: the CA of the API server`)
      })),
      ...(await exposureOf(ofKubernetes, path(kubeconfig), share)),
    )
  return found
}

/** Whether a kubeconfig can't be used now; not for good where the daemon renews it through Talos. */
async function whyEnded(
  settings: Settings,
  value: Access,
  file: string,
): Promise<{ readonly text: string; readonly isFinal: boolean } | undefined> {
  const life = lifeOf(value)
  const stage = life && stageOf(life, Date.now())
  if (!life || (stage !== 'ended' && stage !== 'not-begun')) return undefined
  const text = describeLife(describeCredential(value), life, stage)
  const roles = await readTalos(settings).then(
    (talos) => talos.value.roles,
    (): readonly string[] => [],
  )
  const isFinal = stage === 'not-begun' || !isAdminAccess(value) || !roles.includes('os:admin')
  return { text: stage === 'ended' ? `${text}: ${newAccess(value, file)}` : text, isFinal }
}

/** With a CA that has ended no connection is trusted. Of several one is enough. */
function refuseEnded(ca: string, what: string): void {
  const ends = certificatesIn(ca).map((block) => new X509Certificate(block).validToDate.getTime())
  if (ends.length > 0 && Math.max(...ends) <= Date.now())
    throw new AgentError(
      'misconfigured',
      `${what} expired on ${dayOf(Math.max(...ends))}: get a file with the present one`,
    )
}

async function checkUpgrade({ config, path }: Settings): Promise<Findings> {
  const { calendar, timeZone, checks } = config.upgrade
  const found: Mistake[] = []
  if (calendar !== undefined && !isUrl(calendar))
    found.push(
      ...(await attempt(['upgrade', 'calendar'], async () => {
        const { createCalendar } = await import('../adapters/calendar/calendar.ts')
        return createCalendar({ source: path(calendar), timeZone }).blackouts(new Date(), AbortSignal.timeout(5_000))
      })),
    )
  for (const [index, check] of checks.entries()) {
    const fault = await compileCheck(check).catch(messageOf)
    if (fault !== undefined) found.push(wrong(['upgrade', 'checks', index], `${check.name}: ${fault}`))
  }
  return found
}

/** How long our own credentials live, for people: those that can be read. */
async function livesOf(settings: Settings, now = Date.now()): Promise<readonly string[]> {
  const { kubeconfig } = settings.config.cluster
  const read = [
    readTalos(settings).then(({ value, file, copyFile, isCopy }) => ({
      what: `the client certificate in ${isCopy ? copyFile : file} (${value.roles.join(', ')})`,
      life: lifeOfCertificate(value.cert),
      ended: undefined,
    })),
    ...(kubeconfig === undefined
      ? []
      : [
          readKubernetes(settings, kubeconfig).then(async ({ value, file }) => ({
            what: describeCredential(value),
            life: lifeOf(value),
            ended: await whyEnded(settings, value, file),
          })),
        ]),
  ]
  return (await Promise.allSettled(read)).flatMap((one) => {
    if (one.status === 'rejected') return []
    const { what, life, ended } = one.value
    const stage = life && stageOf(life, now)
    // What nobody renews is a fault, and told as one.
    if (ended) return ended.isFinal ? [] : [ended.text]
    if (stage === 'ended' || stage === 'not-begun') return []
    if (!life) return [`${what} has no expiry date`]
    return [stage ? describeLife(what, life, stage) : `${what} expires on ${dayOf(life.to)}`]
  })
}
