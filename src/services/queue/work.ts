import { setTimeout as sleep } from 'node:timers/promises'
import { createNews } from '../../core/news.ts'
import type { RunningService } from '../../core/service.ts'
import type { ServiceContext } from '../../operations/service.ts'
import { reasonOf, type StoreAddress } from './connection.ts'
import { directoryOf, socketOf } from './program.ts'
import { createQueue, type JobQueue } from './queue.ts'
import type { QueueSection } from './section.ts'
import { openEmbeddedStore } from './store.ts'
import { startWorker } from './worker.ts'

/** A store that has lost its memory gets its schedules back after at most this time, in ms. */
const scheduleEvery = 10 * 60_000
/** Between two looks at the file of the password, in ms. */
const usualLookEvery = 5_000
/** Schedules that could not be set are tried again after this time, in ms. */
const retryInterval = 15_000

/**
 * Everything that needs the queue's store: the store itself where it is ours, the worker, the schedules. A store of
 * someone else's that is away is waited for; our own must open.
 *
 * @throws AgentError `misconfigured` where our own store does not open
 */
export async function startWork(
  context: ServiceContext<QueueSection>,
  lookEvery = usualLookEvery,
): Promise<RunningService> {
  const { jobs, log, signal } = context
  const name = 'caretaker'
  await using stack = new AsyncDisposableStack()
  const password = await readPassword(context)
  const address = await openStore(context, password, stack)
  const queue = stack.use(createQueue({ name, address, log }))
  const worker = await startWorker({ name, address, queue, jobs: jobs.all, runJob: jobs.run, log })
  // What runs lets go of what it holds while its job is given back; the store is the last to go.
  stack.use(worker)
  // Nobody ends what starts after everybody has left.
  signal.throwIfAborted()
  const stop = new AbortController()
  // Not waited for at the end: a store that is away would be asked for its schedules without end.
  const either = AbortSignal.any([signal, stop.signal])
  const ended = Promise.race([
    keepSchedules(context, { queue, address }, either),
    followPassword(context, { before: password, lookEvery }, either),
  ])
  stack.defer(() => stop.abort())
  stack.use(jobs.queueThrough(queue))
  const parts = stack.move()
  return { ended, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

async function readPassword({ section, files }: ServiceContext<QueueSection>): Promise<string | undefined> {
  return section.password && files.readSecret(section.password, 'queue.password')
}

/** A password that has changed takes new connections. One that can't be read now was good until now. */
async function followPassword(
  context: ServiceContext<QueueSection>,
  { before, lookEvery }: { readonly before: string | undefined; readonly lookEvery: number },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(lookEvery, undefined, { signal }).catch(() => {})
    const password = await readPassword(context).catch(() => before)
    if (password !== before && !signal.aborted) context.restart()
  }
}

async function openStore(
  { section: { url }, files, log, signal }: ServiceContext<QueueSection>,
  password: string | undefined,
  stack: AsyncDisposableStack,
): Promise<StoreAddress> {
  if (url !== undefined) return { url, password }
  const { searchPath } = files
  const directory = directoryOf(files)
  stack.use(await openEmbeddedStore({ directory, searchPath, log, signal }))
  return { path: socketOf(directory) }
}

async function keepSchedules(
  { jobs, log }: ServiceContext<QueueSection>,
  { queue, address }: { readonly queue: JobQueue; readonly address: StoreAddress },
  signal: AbortSignal,
): Promise<void> {
  const news = createNews()
  while (!signal.aborted) {
    const why = await queue.schedule(jobs.all).then(
      () => undefined,
      (error: unknown) => reasonOf(error, address),
    )
    if (news.isNew(why) && why !== undefined) log.warn({ reason: why }, 'schedules not set; trying again')
    await sleep(why === undefined ? scheduleEvery : retryInterval, undefined, { signal }).catch(() => {})
  }
}
