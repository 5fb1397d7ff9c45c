import { createFactory } from '../adapters/factory/factory.ts'
import { createApi } from '../adapters/kubernetes/api.ts'
import { type Access, parseKubeconfig } from '../adapters/kubernetes/kubeconfig.ts'
import { createKubernetes } from '../adapters/kubernetes/kubernetes.ts'
import { createNutUps, type NutUps } from '../adapters/nut/ups.ts'
import { createShare } from '../adapters/share/share.ts'
import { createTalos } from '../adapters/talos/talos.ts'
import { type Credentials, missingRole, parseTalosconfig } from '../adapters/talos/talosconfig.ts'
import { createWakeOnLan } from '../adapters/wake-on-lan/wake-on-lan.ts'
import { AgentError } from '../core/errors.ts'
import type { Journal } from '../core/journal.ts'
import type { Ports } from '../core/ports.ts'
import { readSecret, readText, type Settings } from './settings.ts'

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
  const api = createApi(await readAccess(settings))

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
    talos: createTalos({ nodes: config.nodes, credentials }),
    kubernetes: createKubernetes(api),
    wakeOnLan: createWakeOnLan({ broadcast: wake.broadcast, port: wake.port }),
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

/** What it takes to talk to Kubernetes. @throws AgentError `misconfigured` */
export async function readAccess({ config, path }: Settings): Promise<Access> {
  const file = path(config.cluster.kubeconfig)
  return parseKubeconfig(await readText(file), file)
}
