import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'
import {
  EventType,
  ResourceSchema,
  WatchResponseSchema,
  type Resource,
  type WatchRequest,
} from '../../../src/adapters/talos/gen/state_pb.ts'
import type { Machine } from './machine.ts'

type Answer = MessageInitShape<typeof WatchResponseSchema>

/**
 * COSI's Watch (cosi-project/runtime pkg/state/protobuf/server): first an empty answer, from which on nothing is missed;
 * then what there is, where it was asked for by id or with `bootstrapContents`; then what changes.
 */
export function watchItems(
  machine: Machine,
  { namespace, type, id, options }: WatchRequest,
  items: () => readonly Resource[],
  signal: AbortSignal,
): AsyncIterable<Answer> {
  const bootstrap = options?.bootstrapContents === true
  if (id !== undefined && bootstrap)
    throw new ConnectError('bootstrap contents are not supported for a single resource', Code.Unimplemented)
  const wanted = () => new Map(items().flatMap((item) => (isWanted(item, id) ? [[idOf(item), item] as const] : [])))
  const tombstone = (of: string) =>
    create(ResourceSchema, { metadata: { namespace, type, id: of, version: '1', phase: 'running' }, spec: {} })
  let known = wanted()

  /** What became of the resources since the last time. */
  function changes(): Answer[] {
    const now = wanted()
    const answers: Answer[] = []
    for (const [key, resource] of now) {
      const old = known.get(key)
      if (!old) answers.push({ event: [{ eventType: EventType.CREATED, resource }] })
      else if (old.spec?.yamlSpec !== resource.spec?.yamlSpec)
        answers.push({ event: [{ eventType: EventType.UPDATED, resource, old }] })
    }
    for (const key of known.keys())
      if (!now.has(key)) answers.push({ event: [{ eventType: EventType.DESTROYED, resource: tombstone(key) }] })
    known = now
    return answers
  }

  const first: Answer[] = [{}]
  if (machine.faults.watchOverrun) {
    machine.faults.watchOverrun = false
    first.push({ event: [{ eventType: EventType.ERRORED, error: 'buffer overrun: namespace resources' }] })
    return answersOf(first, undefined, machine, signal)
  }
  if (id !== undefined || bootstrap)
    for (const resource of known.values()) first.push({ event: [{ eventType: EventType.CREATED, resource }] })
  if (id !== undefined && known.size === 0)
    first.push({ event: [{ eventType: EventType.DESTROYED, resource: tombstone(id) }] })
  if (bootstrap) first.push({ event: [{ eventType: EventType.BOOTSTRAPPED, resource: tombstone('') }] })
  return answersOf(first, changes, machine, signal)
}

async function* answersOf(
  queue: Answer[],
  changes: (() => readonly Answer[]) | undefined,
  machine: Machine,
  signal: AbortSignal,
): AsyncGenerator<Answer> {
  let wake = () => {}
  const onAbort = () => wake()
  const off = machine.onChange(() => {
    queue.push(...(changes?.() ?? []))
    wake()
  })
  signal.addEventListener('abort', onAbort)
  try {
    queue.push(...(changes?.() ?? []))
    while (!signal.aborted) {
      const next = queue.shift()
      if (next) yield next
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  } finally {
    off()
    signal.removeEventListener('abort', onAbort)
  }
}

const idOf = ({ metadata }: Resource) => metadata?.id ?? ''

const isWanted = (resource: Resource, id: string | undefined) => id === undefined || idOf(resource) === id
