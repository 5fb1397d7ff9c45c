import { AgentError } from '../../core/errors.ts'
import type { Session } from './session.ts'

/** The node, and the time limit for each answer: where etcd is not running, Talos never answers calls to it. */
export interface EtcdNode {
  readonly name: string
  readonly address: string
  /** In ms. */
  readonly answersWithin: number
}

/** Who leads instead; undefined where it did not lead. @throws AgentError `timed-out` where etcd does not answer */
export async function forfeitLeadership(
  { machine }: Session,
  node: EtcdNode,
  signal: AbortSignal,
): Promise<string | undefined> {
  const answer = machine.etcdForfeitLeadership({}, { signal })
  const { messages } = await within(node, 'forfeit leadership', answer)
  return messages[0]?.member || undefined
}

/** @throws AgentError `timed-out` where etcd does not start or continue in time; the reader may be slow */
export async function* snapshotEtcd(
  { machine }: Session,
  node: EtcdNode,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = machine.etcdSnapshot({}, { signal })[Symbol.asyncIterator]()
  let doing = 'start a snapshot'
  while (true) {
    const { done, value } = await within(node, doing, chunks.next())
    if (done === true) return
    yield value.bytes
    doing = 'continue the snapshot'
  }
}

/** The outcome of the promise after its time limit is ignored. */
async function within<T>({ name, address, answersWithin }: EtcdNode, what: string, promise: Promise<T>): Promise<T> {
  const seconds = answersWithin / 1_000
  const late = new AgentError(
    'timed-out',
    `${name} (${address}): etcd did not ${what} within ${seconds} s: is it running?`,
  )
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(late), answersWithin)))
  try {
    return await Promise.race([promise, limit])
  } finally {
    clearTimeout(timer)
  }
}
