import { createFactory } from '../adapters/factory/factory.ts'
import { describeIdentity, type Node } from '../core/cluster/cluster.ts'
import { messageOf } from '../core/errors.ts'
import { openWorld } from '../main/wiring.ts'
import type { Settings } from '../main/settings.ts'
import { observe } from '../engine/observe.ts'
import { openMemoryJournal } from '../adapters/journal/journal.ts'

/** What is not as the configuration says. */
export interface OnlineFault {
  readonly setting: string | undefined
  readonly message: string
}

/**
 * Asks everything that the configuration names whether it is what the configuration says, and answers each fault. Only
 * asks; nothing is changed anywhere.
 */
export async function checkOnline(settings: Settings, signal: AbortSignal): Promise<readonly OnlineFault[]> {
  const { config } = settings
  await using world = await openWorld({ settings, journal: openMemoryJournal() })
  const [cluster, factory, upses] = await Promise.all([
    observe(config.nodes, world.ports, signal),
    faultOf('factory.url', createFactory(config.factory.url).versions(signal)),
    Promise.all([...world.upses].map(([label, ups]) => faultOf(`upses (${label})`, ups.read(signal)))),
  ])
  const errors = cluster.nodes.map(({ kubernetes }) => (kubernetes.ok ? undefined : kubernetes.error))
  // What keeps all of them from being seen is said once, and not of each node; that each lacks its name is another matter.
  const isCommon = errors.length > 1 && new Set(cluster.nodes.map(({ kubernetes }) => kubernetes)).size === 1
  const common = isCommon ? errors[0] : undefined
  const trouble = cluster.kubernetes.ok ? common : cluster.kubernetes.error
  const kubernetes = trouble === undefined ? [] : [`cluster.kubeconfig: ${trouble}`]
  return [...cluster.nodes.flatMap((node) => faultsOf(node, common)), ...kubernetes, ...factory, ...upses.flat()].map(
    (fault) => {
      const [setting, ...message] = fault.split(': ')
      return { setting, message: message.join(': ') }
    },
  )
}

function faultsOf(node: Node, common: string | undefined): readonly string[] {
  const { name, role, configuredRole, talos, kubernetes } = node
  const at = `nodes (${name})`
  if (!talos.ok) return [`${at}.address: ${talos.error}`]
  const identity = describeIdentity(node)
  return [
    ...(role === configuredRole ? [] : [`${at}.role: ${name} runs as a ${role}, not as a ${configuredRole}`]),
    ...(identity === undefined ? [] : [`${at}: ${name} ${identity}`]),
    ...(identity === undefined && !kubernetes.ok && kubernetes.error !== common
      ? [`${at}.name: ${name} could not be read from Kubernetes (${kubernetes.error})`]
      : []),
  ]
}

function faultOf(setting: string, question: Promise<unknown>): Promise<readonly string[]> {
  return question.then(
    () => [],
    (error: unknown) => [`${setting}: ${messageOf(error)}`],
  )
}
