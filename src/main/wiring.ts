import { join } from 'node:path'
import { createCalendar } from '../adapters/calendar/calendar.ts'
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
import { type Credentials, missingRole, parseTalosconfig } from '../adapters/talos/talosconfig.ts'
import { createWakeOnLan } from '../adapters/wake-on-lan/wake-on-lan.ts'
import type { Config } from '../config.ts'
import { AgentError } from '../core/errors.ts'
import type { Journal } from '../core/journal.ts'
import type { Ports } from '../core/ports.ts'
import { readSecret, readText, type Settings } from './settings.ts'

/** How long a control plane may take to hand out a kubeconfig, in ms. */
const kubeconfigWithin = 5_000

export interface World extends AsyncDisposable {
  readonly ports: Ports
  readonly ups: NutUps | undefined
  /** When the talosconfig's certificate ends. */
  readonly expires: Date
  /** What upsd last said to our login, when it refused it. */
  readonly loginRefused: string | undefined
}

export interface WorldOptions {
  readonly settings: Settings
  readonly journal: Journal
  readonly onLoginRefused?: (why: string) => void
}

/**
 * Makes every real port from the configuration. Nothing is contacted yet; files that are named are read.
 *
 * @throws AgentError `misconfigured`
 */
export async function openWorld({ settings, journal, onLoginRefused }: WorldOptions): Promise<World> {
  const { config, path } = settings
  const credentials = await readCredentials(settings)
  const talos = createTalos({ nodes: config.nodes, credentials })
  const { kubeconfig } = config.cluster
  const api = createApi({
    access: kubeconfig === undefined ? () => askForAccess(talos, config) : await readAccess(settings, kubeconfig),
  })
  const { snapshots, calendar, timeZone } = config.upgrade

  let loginRefused: string | undefined
  const ups = await openUps(settings, (why) => {
    if (why === loginRefused) return
    loginRefused = why
    onLoginRefused?.(why)
  })
  const { wake } = config.power
  const ports: Ports = {
    factory: createFactory(config.factory.url),
    share: createShare({ ...config.share, directory: path(config.share.directory) }),
    talos,
    kubernetes: createKubernetes(api),
    wakeOnLan: createWakeOnLan({ broadcast: wake.broadcast, port: wake.port }),
    snapshots: createSnapshots({
      directory: path(snapshots.directory ?? join(config.state, 'snapshots')),
      keep: snapshots.keep,
    }),
    checks: createChecks({ objects: createObjects(api) }),
    ...(calendar === undefined
      ? {}
      : { calendar: createCalendar({ source: isUrl(calendar) ? calendar : path(calendar), timeZone }) }),
    journal,
    ...(ups ? { ups } : {}),
  }
  return {
    ports,
    ups,
    expires: credentials.expires,
    get loginRefused() {
      return loginRefused
    },
    [Symbol.asyncDispose]: async () => {
      await ups?.[Symbol.asyncDispose]()
      api[Symbol.dispose]()
    },
  }
}

/** The UPS of the configuration; undefined where there is none. */
export async function openUps(settings: Settings, onLoginRefused?: (why: string) => void): Promise<NutUps | undefined> {
  const [ups] = settings.config.upses
  if (!ups) return undefined
  const { name, host, port, user, password } = ups
  const credentials =
    user !== undefined && password !== undefined
      ? { user, password: await readSecret(password, 'upses.0.password', settings) }
      : undefined
  return createNutUps({ name, host, port, credentials, ...(onLoginRefused ? { onLoginRefused } : {}) })
}

/** What it takes to talk to nodes. @throws AgentError `misconfigured`, also where the role is not enough */
export async function readCredentials({ config, path }: Settings): Promise<Credentials> {
  const file = path(config.cluster.talosconfig)
  const credentials = parseTalosconfig(await readText(file), file, config.cluster.context)
  const lacking = missingRole(credentials, { upgrades: config.upgrade.enabled, now: new Date() })
  if (lacking) throw new AgentError('misconfigured', `${file}: ${lacking}`)
  return credentials
}

/** What it takes to talk to Kubernetes, from its file. @throws AgentError `misconfigured` */
export async function readAccess({ path }: Settings, kubeconfig: string): Promise<Access> {
  const file = path(kubeconfig)
  return parseKubeconfig(await readText(file), file)
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

/** Whether a calendar is somewhere in the network, and not a file. */
export function isUrl(text: string): boolean {
  return /^(https?|webcal):/.test(text)
}
