import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Rollout } from '../../src/core/upgrade/record.ts'
import { endStore, startDaemon, waitFor } from '../lab/daemon.ts'
import { type Homelab, startHomelab } from '../lab/homelab.ts'
import type { TalosNode } from '../lab/talos/types.ts'
import { goal, median, say, worst } from './measure.ts'

/** As the daemon does it unless told otherwise, in ms. */
const pollEvery = 1_000
/** A node of these homelabs takes about five minutes, in ms. */
const usual = 5 * 60_000
const allowed = { ms: 2_000, part: 0.03 }
const [controlPlanes, workers] = [3, 7]
const release = 'v1.14.0'
const pace = { pull: 200, install: 300, stop: 300, settle: 200 }
/** Each node takes another time, so that its end falls anywhere between two looks. */
const boot = (index: number) => 500 + 230 * index

interface NodeRun {
  /** From the cordon to the uncordon, less what the lab's node takes by itself, in ms. */
  readonly beyond: number
  /** From the node's being ready, as the lab knows it, to the uncordon: the wait for the next look, and that look. */
  readonly noticed: number
  /** From the cordon to the order to reboot, less the installer. */
  readonly before: number
  /** What the lab's own timers took longer than they were told to. */
  readonly labs: number
}

/**
 * What a rollout costs a node beyond what the node itself takes. A real daemon, nodes that are shortened, and nothing to
 * settle. An image is pulled before the cordon, so the pull is in none of these figures.
 */
export async function measureRollout(stack: AsyncDisposableStack): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-bench-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  stack.defer(() => endStore(directory))
  let made = 0
  const lab = stack.use(
    await startHomelab({
      net: 84,
      controlPlanes,
      workers,
      pace: {
        ...pace,
        // Each node asks for its pace once.
        get boot() {
          return boot(made++)
        },
      },
    }),
  )
  // Pods that go when they are asked: how long a budget keeps them is the workload's own.
  lab.kubernetes.addDeployment({ name: 'web', replicas: workers, labels: { app: 'web' } })
  const readyAt = new Map<string, number>()
  for (const node of lab.nodes) {
    let ready = node.ready
    stack.defer(
      node.onChange(() => {
        if (node.ready && !ready) readyAt.set(node.name, Date.now())
        ready = node.ready
      }),
    )
  }
  const config = await lab.writeConfig(directory, { upgrade: { settle: '0s' } })
  const daemon = stack.use(await startDaemon({ config, directory, pollEvery }))
  lab.factory.publish(release)
  await daemon.control.post('/jobs/watch-releases/run')
  await waitFor('the rollout to be over', 3 * 60_000, async () => {
    const [newest] = await daemon.control.list<Rollout>('/rollouts')
    return newest?.release === release && newest.outcome === 'done'
  })

  const runs = lab.nodes.map((node, index) => runOf(node, boot(index), lab, readyAt))
  const of = (pick: (run: NodeRun) => number) => {
    const values = runs.map(pick)
    return `${median(values).toFixed(0)} ms, worst ${worst(values).toFixed(0)} ms`
  }
  const all = runs.map(({ beyond }) => beyond)
  const longest = worst(all)
  const [usually, atWorst] = [goal('2000 ms', median(all) <= allowed.ms), goal('at worst', longest <= allowed.ms)]
  say('rollout, beyond the node itself', `${of(({ beyond }) => beyond)} ${usually} ${atWorst}`)
  const untilOrder = of(({ before }) => before)
  say('  until the order to reboot', `${untilOrder} (a drain looks every 500 ms)`)
  say('  noticing that it is ready', `${of(({ noticed }) => noticed)} (looked for every ${pollEvery} ms)`)
  say(
    '  the lab, slower than its pace',
    of(({ labs }) => labs),
  )
  const part = longest / usual
  say('  of a node of 5 minutes', `worst ${(part * 100).toFixed(2)} % ${goal('3 %', part <= allowed.part)}`)
  const gaps = gapsIn(lab)
  say(
    '  from one node to the next',
    `${median(gaps).toFixed(0)} ms, worst ${worst(gaps).toFixed(0)} ms (deciding, the images of all that come)`,
  )
}

function runOf(node: TalosNode, boot: number, lab: Homelab, readyAt: ReadonlyMap<string, number>): NodeRun {
  const { name, calls } = node
  const at = (text: string) => lab.kubernetes.diary.find((entry) => entry.text === `${text} ${name}`)?.at
  const [cordon, uncordon, ready] = [at('cordon'), at('uncordon'), readyAt.get(name)]
  const orders = calls.filter(({ method }) => method === 'MachineService.Reboot').map((call) => call.at)
  const [order] = orders
  if (cordon === undefined || uncordon === undefined || ready === undefined || order === undefined)
    throw new Error(`the lab has not seen all of ${name}`)
  if (orders.length > 1) throw new Error(`${name} was told to reboot ${orders.length} times`)
  const reboot = pace.stop + boot + pace.settle
  return {
    beyond: uncordon - cordon - pace.install - reboot,
    before: order - cordon - pace.install,
    labs: ready - order - reboot,
    noticed: uncordon - ready,
  }
}

/** From each uncordon to the next cordon, in ms. */
function gapsIn({ kubernetes }: Homelab): number[] {
  const moves = kubernetes.diary.filter(({ text }) => /^(un)?cordon /.test(text))
  return moves.flatMap(({ text, at }, index) =>
    text.startsWith('cordon ') && index > 0 ? [at - moves[index - 1]!.at] : [],
  )
}
