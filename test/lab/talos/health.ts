import { setTimeout as pause } from 'node:timers/promises'
import { Code, ConnectError } from '@connectrpc/connect'
import { onlyControlPlane } from './etcd-api.ts'
import type { Machine } from './machine.ts'
import type { TalosPeer } from './types.ts'

interface Check {
  readonly name: string
  /** Why not yet; undefined where all is well. */
  why(peers: readonly TalosPeer[], machine: Machine): string | undefined
}

const each = (peers: readonly TalosPeer[], isWell: (peer: TalosPeer) => boolean, what: string) => {
  const bad = peers.filter((peer) => !isWell(peer)).map(({ name, address }) => `${name} (${address})`)
  return bad.length > 0 ? `${what}: ${bad.join(', ')}` : undefined
}
const isUp = ({ power, stage }: TalosPeer) => power === 'on' && stage === 'running'
const isReady = ({ ready = false }: TalosPeer) => ready
const controlPlanes = (peers: readonly TalosPeer[]) => peers.filter(({ role }) => role === 'controlplane')

/**
 * The checks of `talosctl health` in their order (siderolabs/talos pkg/cluster/check/default.go), as far as the lab's
 * nodes know: what takes the Kubernetes API is judged by whether the node is ready.
 */
const checks: readonly Check[] = [
  {
    name: 'etcd to be healthy',
    why: (_, { etcd }) => (etcd?.hasQuorum() ? undefined : 'etcdserver: no leader'),
  },
  {
    name: 'etcd members to be consistent across nodes',
    why: (_, { etcd }) => (etcd?.members().every(({ running }) => running) ? undefined : 'a member does not answer'),
  },
  {
    name: 'etcd members to be control plane nodes',
    why: (peers, { etcd }) => {
      const names = new Set(controlPlanes(peers).map(({ name }) => name))
      const others = (etcd?.members() ?? []).filter(({ name }) => !names.has(name)).map(({ name }) => name)
      return others.length > 0 ? `etcd members that are no control plane nodes: ${others.join(', ')}` : undefined
    },
  },
  { name: 'apid to be ready', why: (peers) => each(peers, ({ power }) => power === 'on', 'no answer') },
  { name: 'all nodes memory sizes', why: () => undefined },
  { name: 'all nodes disk sizes', why: () => undefined },
  { name: 'no diagnostics', why: () => undefined },
  { name: 'kubelet to be healthy', why: (peers) => each(controlPlanes(peers), isUp, 'service is not healthy') },
  { name: 'all nodes to finish boot sequence', why: (peers) => each(peers, isUp, 'not booted') },
  { name: 'all k8s nodes to report', why: (peers) => each(peers, isUp, 'can’t find node') },
  { name: 'all control plane static pods to be running', why: (peers) => each(controlPlanes(peers), isUp, 'missing') },
  { name: 'all control plane components to be ready', why: (peers) => each(controlPlanes(peers), isUp, 'not ready') },
  { name: 'all k8s nodes to report ready', why: (peers) => each(peers, isReady, 'some nodes are not ready') },
  { name: 'kube-proxy to report ready', why: (peers) => each(peers, isReady, 'not ready') },
  { name: 'coredns to report ready', why: (peers) => each(peers, isReady, 'not ready') },
  { name: 'all k8s nodes to report schedulable', why: (peers) => each(peers, isReady, 'not schedulable') },
]

/**
 * Waits for one check after another, and says so at every change; over as a deadline is where one does not pass in this
 * many ms.
 *
 * @throws ConnectError `Unimplemented` on a worker, `DeadlineExceeded`
 */
export async function* checkHealth(
  machine: Machine,
  timeout: number,
  signal: AbortSignal,
): AsyncGenerator<{ message: string }> {
  onlyControlPlane(machine, 'cluster health check')
  const { name, role, address } = machine.options
  const itself = () => [
    { name, role, address, version: machine.running.version, power: machine.power, stage: machine.stage, ready: true },
  ]
  const peers = machine.options.peers ?? itself
  const deadline = performance.now() + timeout
  yield {
    message: `discovered nodes: [${peers()
      .map((peer) => JSON.stringify(peer.address))
      .join(' ')}]`,
  }
  for (const check of checks) {
    let last: string | undefined
    for (;;) {
      const why = check.why(peers(), machine)
      const message = `waiting for ${check.name}: ${why ?? 'OK'}`
      if (last === undefined) yield { message: `waiting for ${check.name}: ...` }
      if (message !== last) yield { message }
      last = message
      if (why === undefined) break
      if (performance.now() >= deadline) throw new ConnectError('context deadline exceeded', Code.DeadlineExceeded)
      await pause(100, undefined, { signal })
    }
  }
}
