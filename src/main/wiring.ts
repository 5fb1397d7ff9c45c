import { join } from 'node:path'
import { createChecks } from '../adapters/checks/checks.ts'
import { createFactory } from '../adapters/factory/factory.ts'
import { createApi } from '../adapters/kubernetes/api.ts'
import { type Access, parseKubeconfig } from '../adapters/kubernetes/kubeconfig.ts'
import { createKubernetes } from '../adapters/kubernetes/kubernetes.ts'
import { createObjects } from '../adapters/kubernetes/objects.ts'
import { createNutUps, type NutUps } from '../adapters/nut/ups.ts'
import { createShare } from '../adapters/share/share.ts'
import { createSnapshots } from '../adapters/snapshots/snapshots.ts'
import { createTalos, type TalosAdapter } from '../adapters/talos/talos.ts'
import type { Credentials } from '../adapters/talos/talosconfig.ts'
import type { Calendar } from '../core/upgrade/ports.ts'
import type { Config } from '../config/config.ts'
import type { Alerts } from '../core/alert.ts'
import type { Journal } from '../core/journal.ts'
import type { Logger } from '../core/log.ts'
import type { Ports } from '../core/ports.ts'
import { accessFrom, keepKubernetes, keepTalos, readKubernetes, readTalos } from './credentials.ts'
import { openMachines } from './machines.ts'
import { renewableKubernetes, renewableTalos } from './renewable.ts'
import type { Renewable } from './renewal.ts'
import { readSecret, readText, type Settings } from './settings.ts'

/** How long a control plane may take to hand out a kubeconfig, in ms. */
const kubeconfigWithin = 5_000

export interface World extends AsyncDisposable {
  readonly ports: Ports
  readonly upses: ReadonlyMap<string, NutUps>
  /** Our own credentials, whose end is to be watched. */
  readonly credentials: readonly Renewable[]
  /** What upsd last said to our login, by the UPS's label, where it refused it. */
  readonly loginsRefused: ReadonlyMap<string, string>
}

export interface WorldOptions {
  readonly settings: Settings
  readonly journal: Journal
  /** Absent where somebody only looks. */
  readonly alerts?: Alerts
  readonly log?: Logger
}

/**
 * Makes every real port from the configuration. Nothing is contacted yet; files that are named are read.
 *
 * @throws AgentError `misconfigured`
 */
export async function openWorld({ settings, journal, alerts, log }: WorldOptions): Promise<World> {
  const { config, path } = settings
  const trouble = (name: string) => (why: string | undefined) => {
    if (why !== undefined) log?.warn({ credentials: name, reason: why }, 'a new version is not used; the last one is')
    alerts?.report(
      `credentials.file:${name}`,
      why === undefined
        ? undefined
        : { severity: 'warning', subject: name, text: `${why}; what it said before is used until then` },
    )
  }
  const keptTalos = await keepTalos(settings, trouble('talosconfig'))
  const talos = createTalos({ nodes: config.nodes, credentials: async () => (await keptTalos.current()).value })
  const { kubeconfig } = config.cluster
  const keptKubernetes =
    kubeconfig === undefined ? undefined : await keepKubernetes(settings, kubeconfig, trouble('kubeconfig'))
  // What was read well is settled, whatever was wrong with it before our start.
  for (const name of ['talosconfig', 'kubeconfig']) trouble(name)(undefined)
  for (const { isCopy, file, copyFile } of [keptTalos.last, ...(keptKubernetes ? [keptKubernetes.last] : [])])
    if (isCopy) log?.info({}, `${copyFile} is used in the place of ${file}: it was renewed`)
  const api = createApi({
    access: keptKubernetes === undefined ? () => askForAccess(talos, config) : accessFrom(keptKubernetes),
  })
  const { snapshots, calendar, timeZone } = config.upgrade

  const loginsRefused = new Map<string, string>()
  const upses = await openUpses(settings, {
    login: (label, refusal) => {
      if (refusal === undefined) {
        loginsRefused.delete(label)
        alerts?.settle(`ups.login:${label}`)
        return
      }
      if (loginsRefused.get(label) === refusal) return
      loginsRefused.set(label, refusal)
      log?.error({ ups: label, reason: refusal }, 'the UPS server refuses our login; it is watched without')
      alerts?.open(`ups.login:${label}`, { severity: 'warning', subject: label, text: refusal })
    },
    plain: (label, why) =>
      void alerts?.report(
        `ups.plain:${label}`,
        why === undefined ? undefined : { severity: 'warning', subject: label, text: why },
      ),
  })
  const ports: Ports = {
    factory: createFactory(config.factory.url),
    share: createShare({ ...config.share, directory: path(config.share.directory) }),
    talos,
    kubernetes: createKubernetes(api),
    upses,
    ...(await openMachines(settings, log)),
    snapshots: createSnapshots({
      directory: path(snapshots.directory ?? join(config.state, 'snapshots')),
      keep: snapshots.keep,
    }),
    checks: createChecks({ objects: createObjects(api) }),
    ...(calendar === undefined
      ? {}
      : { calendar: await openCalendar(isUrl(calendar) ? calendar : path(calendar), timeZone) }),
    journal,
  }
  return {
    ports,
    upses,
    credentials: [
      renewableTalos({ kept: keptTalos, talos, config }),
      ...(keptKubernetes ? [renewableKubernetes({ kept: keptKubernetes, keptTalos, talos, config })] : []),
    ],
    loginsRefused,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...upses.values()].map((ups) => ups[Symbol.asyncDispose]()))
      api[Symbol.dispose]()
    },
  }
}

/** What happens to connections to upsd, by the UPS's label. */
export interface UpsesTold {
  /** Whether upsd takes our login: why not, or undefined. */
  login?(label: string, refusal: string | undefined): void
  /** Why it goes on in plain text where TLS was preferred; undefined: it does not. */
  plain?(label: string, why: string | undefined): void
}

/** The UPSes of the configuration, by their labels. */
export async function openUpses(settings: Settings, told: UpsesTold = {}): Promise<ReadonlyMap<string, NutUps>> {
  const opened = settings.config.upses.map(async (ups, index): Promise<[string, NutUps]> => {
    const { name, label, host, port, user, password, login, tls, ca } = ups
    const credentials =
      user !== undefined && password !== undefined
        ? { user, password: await readSecret(password, `upses.${index}.password`, settings) }
        : undefined
    const trusted = ca === undefined ? {} : { ca: await readText(settings.path(ca)) }
    const nut = createNutUps({
      name,
      label,
      host,
      port,
      credentials,
      login: login && credentials !== undefined,
      tls,
      ...trusted,
      onLogin: () => told.login?.(label, undefined),
      onLoginRefused: (why) => told.login?.(label, why),
      onSecure: () => told.plain?.(label, undefined),
      onInsecure: (why) => told.plain?.(label, why),
    })
    // What is not asked for any more is not refused either.
    if (!login || credentials === undefined) told.login?.(label, undefined)
    if (tls === 'off') told.plain?.(label, undefined)
    return [label, nut]
  })
  return new Map(await Promise.all(opened))
}

/** What it takes to talk to nodes. @throws AgentError `misconfigured`, also where the role is not enough */
export async function readCredentials(settings: Settings): Promise<Credentials> {
  return (await readTalos(settings)).value
}

/** What it takes to talk to Kubernetes, from its file. @throws AgentError `misconfigured` */
export async function readAccess(settings: Settings, kubeconfig: string): Promise<Access> {
  return (await readKubernetes(settings, kubeconfig)).value
}

/** A kubeconfig of an admin, as the first control plane that answers hands it out (Talos' Kubeconfig call). */
async function askForAccess(talos: TalosAdapter, { nodes }: Config): Promise<Access> {
  let last: unknown
  for (const { name, role } of nodes) {
    if (role !== 'controlplane') continue
    try {
      const text = await talos.kubeconfig(name, AbortSignal.timeout(kubeconfigWithin))
      return parseKubeconfig(text, `the kubeconfig of ${name}`)
    } catch (error) {
      last = error
    }
  }
  throw last
}

/** Its packages are loaded only where there is a calendar. */
async function openCalendar(source: string, timeZone: string): Promise<Calendar> {
  const { createCalendar } = await import('../adapters/calendar/calendar.ts')
  return createCalendar({ source, timeZone })
}

/** Whether a calendar is somewhere in the network, and not a file. */
export function isUrl(text: string): boolean {
  return /^(https?|webcal):/.test(text)
}
