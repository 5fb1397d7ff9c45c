import { connect } from 'node:tls'
import { createApi } from '../../src/adapters/kubernetes/api.ts'
import { createKubernetes } from '../../src/adapters/kubernetes/kubernetes.ts'
import { createTalos } from '../../src/adapters/talos/talos.ts'
import type { Credentials } from '../../src/adapters/talos/talosconfig.ts'
import { observe } from '../../src/engine/observe.ts'
import { loadSettings } from '../../src/main/settings.ts'
import { readKubernetes, readTalos } from '../../src/main/credentials.ts'
import { startManyNodes } from './many-nodes.ts'
import { clock, cpuSeconds, goal, median, say } from './measure.ts'

const count = 100
const rounds = 5
const allowed = 2_000
/** As many handshakes at a time as an observation makes. */
const atOnce = 32

/** One look at all nodes of a large cluster, beside bare handshakes with the same nodes. */
export async function measureObservation(stack: AsyncDisposableStack): Promise<void> {
  const lab = stack.use(await startManyNodes(83, count))
  const settings = await loadSettings(lab.config, {})
  const { nodes } = settings.config
  const { value: credentials } = await readTalos(settings)
  const api = stack.use(createApi((await readKubernetes(settings, settings.config.cluster.kubeconfig!)).value))
  const ports = { talos: createTalos({ nodes, credentials }), kubernetes: createKubernetes(api) }
  const signal = new AbortController().signal

  const [looks, shakes, cpus, labs] = [[], [], [], []] as [number[], number[], number[], number[]]
  for (let round = 0; round < rounds; round++) {
    shakes.push(await clock(() => shakeHands(nodes, credentials)))
    const before = [await cpuSeconds(process.pid), await cpuSeconds(lab.pid)] as const
    looks.push(
      await clock(async () => {
        const seen = await observe(nodes, ports, signal)
        const missed = seen.nodes.filter(({ talos, kubernetes }) => !talos.ok || !kubernetes.ok)
        if (missed.length > 0 || !seen.kubernetes.ok || !seen.workloads.ok)
          throw new Error(`not all was seen: ${missed.map(({ name }) => name).join(', ')}`)
      }),
    )
    cpus.push((await cpuSeconds(process.pid)) - before[0])
    labs.push((await cpuSeconds(lab.pid)) - before[1])
  }
  const look = median(looks)
  say(
    `one look at ${count} nodes`,
    `${look.toFixed(0)} ms, the first ${looks[0]!.toFixed(0)} ms, ${count} bare handshakes ${median(shakes).toFixed(0)} ms: ${(look / median(shakes)).toFixed(1)} x ${goal(`${allowed} ms`, Math.max(...looks) <= allowed)}`,
  )
  say('  CPU of it', `${(median(cpus) * 1_000).toFixed(0)} ms ours, ${(median(labs) * 1_000).toFixed(0)} ms the lab's`)
}

async function shakeHands(
  nodes: readonly { readonly address: string }[],
  { ca, cert, key }: Pick<Credentials, 'ca' | 'cert' | 'key'>,
): Promise<void> {
  const left = nodes.map(({ address }) => address)
  const work = async () => {
    for (let host = left.pop(); host !== undefined; host = left.pop()) {
      const socket = connect({ host, port: 50_000, ca, cert, key, ALPNProtocols: ['h2'] })
      await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
      socket.destroy()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}
