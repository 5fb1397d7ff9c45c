import { AgentError } from '../../../core/errors.ts'
import type { KnownBytes } from '../../../core/release/known-bytes.ts'
import type { Factory } from '../../../core/release/ports.ts'
import type { Proofs } from '../../../core/release/proofs.ts'
import { removeProbe, writeProbe } from '../probe.ts'
import type { BytesMemory } from '../proof.ts'
import { createShare } from '../share.ts'
import { freeSpaceOf } from '../space.ts'
import {
  type Command,
  createFrameReader,
  errorOf,
  failureOf,
  type Opened,
  type Question,
  type Reply,
  type Request,
} from './wire.ts'

/** The other end: who asks. */
export interface Asker {
  send(reply: Reply): void
  /** What follows an `open`, in frames. */
  readonly input: AsyncIterable<Uint8Array>
  /** Ends with an error where nobody waits any more for what is done here. */
  readonly stillWanted: () => Promise<void>
}

/** Does what it is asked on a share, one stage at a time. Returns who takes commands. */
export function serveShare(directory: string, { send, input, stillWanted }: Asker): (command: Command) => void {
  const frames = createFrameReader(input)
  const running = new Map<number, AbortController>()
  let answered: PromiseWithResolvers<unknown> | undefined

  function question(id: number, asked: Question): Promise<unknown> {
    answered = Promise.withResolvers()
    send({ id, ...asked })
    return answered.promise
  }

  /** The Factory, as the other process reaches it. */
  const factoryFor = (id: number): Pick<Factory, 'warm' | 'open'> => ({
    warm: async (order) => (await question(id, { ask: 'warm', order })) as number | undefined,
    open: async (order, resume) => {
      const { body, ...told } = (await question(id, { ask: 'open', order, resume })) as Opened
      const proofs = async () => (await question(id, { ask: 'proofs' })) as Proofs
      return { ...told, proofs, body: frames.body(body) }
    },
  })
  /** What URLs answered, as the other process remembers it. */
  const memoryFor = (id: number): BytesMemory => ({
    recall: async (source) => (await question(id, { ask: 'recall', source })) as KnownBytes | undefined,
    remember: async (known) => void (await question(id, { ask: 'remember', known })),
  })
  const originOf = ({ id, given: { schematic } }: Request<'stage'>) => ({
    schematicOf: () => schematic,
    memory: memoryFor(id),
  })
  const signersOf = (request: Request) =>
    request.call === 'stage' || request.call === 'publish' || request.call === 'verify' ? request.given.signedBy : []

  async function perform(request: Request, signal: AbortSignal): Promise<unknown> {
    const share = createShare({
      directory,
      stillWanted,
      signedBy: async () => signersOf(request),
      ...(request.call === 'stage' ? originOf(request) : {}),
    })
    switch (request.call) {
      case 'digest':
        return share.digest(request.given.path, request.given.most, signal)
      case 'sections':
        return share.sections(request.given.path, signal)
      case 'staged':
        return share.staged()
      case 'names':
        return share.names()
      case 'stage':
        return share.stage(request.given.order, factoryFor(request.id), signal)
      case 'verify':
        return share.verify(request.given.image, signal)
      case 'publish':
        return share.publish(request.given.file, request.given.image, signal)
      case 'prune':
        return share.prune(request.given, signal)
      case 'probe':
        return { file: (await writeProbe(directory, request.given, signal)).file }
      case 'unprobe':
        return removeProbe(directory, request.given)
      case 'space':
        return freeSpaceOf(directory)
      case 'writable':
        return share.whyNotWritable(request.given)
      default:
        return request satisfies never
    }
  }

  async function answer(request: Request): Promise<void> {
    const stop = new AbortController()
    running.set(request.id, stop)
    try {
      send({ id: request.id, value: await perform(request, stop.signal) })
    } catch (error) {
      send({ id: request.id, failure: failureOf(error) })
    } finally {
      running.delete(request.id)
    }
  }

  return (command) => {
    if ('call' in command) void answer(command)
    else if ('abort' in command) running.get(command.abort)?.abort(new AgentError('unreachable', 'cancelled'))
    else if ('refused' in command) answered?.reject(errorOf(command.refused))
    else answered?.resolve(command.told)
  }
}
