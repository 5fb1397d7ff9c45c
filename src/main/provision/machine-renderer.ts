import { setTimeout as sleep } from 'node:timers/promises'
import type { Alerts } from '../../core/alert.ts'
import type { Logger } from '../../core/log.ts'
import type { Ports } from '../../core/ports.ts'
import type { ConfigRenderer } from '../../core/provision/render.ts'
import { imagesOf } from '../../core/release/image.ts'
import { isTold } from '../../core/release/registration.ts'
import { compareVersions } from '../../core/version.ts'
import { remembered } from '../../operations/facts.ts'
import { type ClusterFacts, createRenderer } from '../../operations/provision/renderer.ts'
import type { SecretsStore } from '../../operations/provision/secrets-request.ts'
import type { RunningAgent } from '../../operations/running-agent.ts'
import { documentsText } from '../../yaml.ts'
import type { KnownSchematics } from '../services.ts'
import type { Settings } from '../settings.ts'
import type { World } from '../wiring.ts'
import { machinesFolderOf, watchMachinesFolder } from './machines-folder.ts'

/** How long the share, nodes and Kubernetes may take to tell what they know, in ms. */
const toldWithin = 8_000
/** For so long the cluster's endpoint is believed, in ms: it is asked for with a certificate that is made for it. */
const endpointFor = 3_600_000

export interface RendererOptions {
  readonly settings: Settings
  readonly ports: Pick<Ports, 'factory' | 'share' | 'journal'>
  readonly agent: Pick<RunningAgent, 'observe' | 'onLook'>
  readonly world: Pick<World, 'endpoint'>
  readonly schematics: KnownSchematics
  readonly secrets: SecretsStore
  readonly alerts: Alerts
  readonly log: Logger
}

/** Makes machine configurations of what lies beside the configuration, and follows its edits. */
export async function openRenderer(
  options: RendererOptions,
): Promise<{ readonly renderer: ConfigRenderer } & Disposable> {
  const { settings, alerts, log, secrets } = options
  const folder = machinesFolderOf(settings)
  const watched = await watchMachinesFolder(settings, (why) => {
    if (why !== undefined) log.warn({ reason: why }, 'invalid files of machines; what was valid last stays in use')
    alerts.report(
      'machines.invalid',
      why === undefined
        ? undefined
        : {
            severity: 'warning',
            subject: 'machines',
            text: `${why}; what was good last stays in use`,
            action: `Fix the files in ${folder}; \`caretaker config check\` shows what is wrong`,
          },
    )
  })
  const facts = createFacts(options)
  const renderer = createRenderer({
    folder: watched.kept,
    secrets: secrets.read,
    facts: facts.of,
    write: documentsText,
  })
  return {
    renderer,
    [Symbol.dispose]: () => {
      facts[Symbol.dispose]()
      watched[Symbol.dispose]()
    },
  }
}

/** The section of the service that hands configurations out, as far as it matters here. */
interface Section {
  readonly endpoint?: string | undefined
  readonly kubernetes?: string | undefined
  readonly discovery?: boolean | undefined
}

function createFacts({ settings, ports, agent, world, schematics }: RendererOptions) {
  let kubernetes: string | undefined
  const subscription = agent.onLook((cluster) => {
    if (cluster.kubernetes.ok) kubernetes = cluster.kubernetes.value
  })
  let endpoint: { readonly value: string; readonly at: number } | undefined

  async function endpointOf({ endpoint: given }: Section): Promise<string | undefined> {
    if (given !== undefined) return given
    if (endpoint === undefined || performance.now() - endpoint.at > endpointFor) {
      const value = await intime(world.endpoint())
      endpoint = value === undefined ? endpoint : { value, at: performance.now() }
    }
    return endpoint?.value
  }

  async function kubernetesOf({ kubernetes: given }: Section): Promise<string | undefined> {
    if (given !== undefined || kubernetes !== undefined) return given ?? kubernetes
    await intime(agent.observe(AbortSignal.timeout(toldWithin)))
    return kubernetes
  }

  async function of(name: string): Promise<ClusterFacts> {
    const { config } = settings
    const section = (config as { readonly machineConfig?: Section }).machineConfig ?? {}
    const node = config.nodes.find((one) => one.name === name)
    const images = imagesOf(config)
    const booted = images.find((one) => one.nodes.includes(name))
    const schematic = node?.schematic ?? booted?.schematic ?? config.schematic
    const image = booted ?? images.find((one) => one.schematic === schematic)
    const known = schematics.current.get(schematic)?.id
    const { registry } = ports.factory
    const registration = remembered.registrations.recall(ports.journal)?.[known ?? '']
    const id = registration?.id ?? known
    const staged = (await intime(ports.share.staged())) ?? []
    const published = staged
      .filter((one) => one.published && one.schematic === id && one.secureBoot === (image?.secureBoot ?? false))
      .map(({ version }) => version)
    return {
      cluster: config.cluster.name,
      endpoint: await endpointOf(section),
      kubernetes: await kubernetesOf(section),
      discovery: section.discovery ?? true,
      registry,
      schematic: { name: schematic, id, isTold: isTold(registration, registry) },
      secureBoot: image?.secureBoot ?? false,
      published: published.toSorted(compareVersions).at(-1),
      target: remembered.target.recall(ports.journal),
    }
  }

  return { of, [Symbol.dispose]: () => subscription[Symbol.dispose]() }
}

/** Undefined where it fails, or takes too long: what is missing then is told by who needs it. */
async function intime<T>(work: Promise<T>): Promise<T | undefined> {
  return Promise.race([work.catch(() => undefined), sleep(toldWithin, undefined, { ref: false })])
}
