import { setTimeout as sleep } from 'node:timers/promises'
import { eachAtOnce } from '../../core/at-once.ts'
import type { Talos } from '../../core/cluster/ports.ts'

export interface NodeWatchOptions {
  /** Between two rounds, in ms. */
  readonly every: number
  readonly notice: (node: string, answers: boolean) => void
  readonly signal: AbortSignal
}

/**
 * So many nodes are asked at the same time. Each takes a TLS handshake and its buffers, and all at once would be most of
 * the memory that a large cluster needs. A homelab's are asked all at once still.
 */
const atOnce = 64

/** Between the questions to two nodes, in ms: the handshakes of fifty in one moment would keep everybody else waiting. */
const spacing = 40

/** Asks every node for a sign of life for as long as the agent runs. A node is silent after two silent rounds. */
export async function watchNodes(
  nodes: () => readonly string[],
  talos: Pick<Talos, 'version'>,
  { every, notice, signal }: NodeWatchOptions,
): Promise<void> {
  const silences = new Map<string, number>()
  const pause = (ms: number) => sleep(ms, undefined, { signal }).catch(() => {})

  async function ask(node: string): Promise<void> {
    if (signal.aborted) return
    const answers = await talos.version(node, AbortSignal.any([signal, AbortSignal.timeout(3_000)])).then(
      () => true,
      () => false,
    )
    if (signal.aborted) return
    silences.set(node, answers ? 0 : (silences.get(node) ?? 0) + 1)
    if (answers || silences.get(node)! >= 2) notice(node, answers)
  }

  while (!signal.aborted) {
    await eachAtOnce(atOnce, nodes(), ask, () => pause(spacing))
    await pause(every)
  }
}
