import { createFactory } from '../adapters/factory/factory.ts'
import { describeIdentity, type Node } from '../core/cluster.ts'
import { messageOf } from '../core/errors.ts'
import { openWorld } from '../main/wiring.ts'
import type { Settings } from '../main/settings.ts'
import { observe } from '../engine/observe.ts'
import { emptyJournal } from './direct.ts'

/**
 * Asks everything that the configuration names whether it is what the configuration says, and answers each fault. Only
 * asks; nothing is changed anywhere.
 */
export async function checkOnline(settings: Settings, signal: AbortSignal): Promise<readonly string[]> {
  const { config, file } = settings
  await using world = await openWorld({ settings, journal: emptyJournal() })
  const [cluster, factory, upses] = await Promise.all([
    observe(config.nodes, world.ports, signal),
    faultOf('factory.url', createFactory(config.factory.url).versions(signal)),
    Promise.all([...world.upses].map(([label, ups]) => faultOf(`upses (${label})`, ups.read(signal)))),
  ])
  const kubernetes = cluster.kubernetes.ok ? [] : [`cluster.kubeconfig: ${cluster.kubernetes.error}`]
  return [...cluster.nodes.flatMap(faultsOf), ...kubernetes, ...factory, ...upses.flat()].map(
    (fault) => `${file}: ${fault}`,
  )
}

function faultsOf(node: Node): readonly string[] {
  const { name, role, configuredRole, talos, kubernetes } = node
  const at = `nodes (${name})`
  if (!talos.ok) return [`${at}.address: ${talos.error}`]
  const identity = describeIdentity(node)
  return [
    ...(role === configuredRole ? [] : [`${at}.role: ${name} runs as a ${role}, not as a ${configuredRole}`]),
    ...(identity === undefined ? [] : [`${at}: ${name} ${identity}`]),
    ...(identity === undefined && !kubernetes.ok
      ? [`${at}.name: ${name} is not seen in Kubernetes (${kubernetes.error})`]
      : []),
  ]
}

function faultOf(setting: string, question: Promise<unknown>): Promise<readonly string[]> {
  return question.then(
    () => [],
    (error: unknown) => [`${setting}: ${messageOf(error)}`],
  )
}
