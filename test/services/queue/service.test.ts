import { expect, onTestFinished, test } from 'vitest'
import type { Queue } from '../../../src/core/job.ts'
import { createQueueDoor } from '../../../src/engine/queue-door.ts'
import type { ServiceContext } from '../../../src/operations/service.ts'
import type { QueueSection } from '../../../src/services/queue/section.ts'
import queue from '../../../src/services/queue/service.ts'
import { impatient, patient } from '../../../src/services/queue/connection.ts'
import { startWork } from '../../../src/services/queue/work.ts'
import { silentLog } from '../../fakes/log.ts'

/** Nothing listens there. */
const url = 'redis://127.0.68.97:9'
const passwordFile = { file: 'redis-password' }

interface Scene {
  readonly section: QueueSection
  /** What the file of the password holds; undefined where it can't be read. */
  password?: string | undefined
  readonly state?: string
}

/** What the service may use, as far as it uses it. */
function contextOf(scene: Scene) {
  const opened: Queue[] = []
  let restarts = 0
  const context = {
    section: scene.section,
    files: {
      state: scene.state ?? '/nowhere',
      searchPath: '/no/such/folder',
      readSecret: async () => {
        if (scene.password === undefined) throw new Error('redis-password is not there')
        return scene.password
      },
    },
    jobs: {
      all: [],
      run: () => Promise.reject(new Error('no job runs')),
      queueThrough: (opening: Queue) => {
        opened.push(opening)
        return { [Symbol.dispose]: () => void opened.splice(opened.indexOf(opening), 1) }
      },
    },
    log: silentLog,
    signal: new AbortController().signal,
    restart: () => void (restarts += 1),
  } as unknown as ServiceContext<QueueSection>
  return { context, opened, restarts: () => restarts }
}

test('a store of somebody else that is away is waited for, and jobs that come meanwhile are refused', async () => {
  const { context, opened } = contextOf({ section: { url } })
  const running = await startWork(context)
  expect(opened).toHaveLength(1)
  await expect(opened[0]!.add({ name: 'upgrade-node' })).rejects.toMatchObject({ code: 'unreachable' })
  await running[Symbol.asyncDispose]()
  expect(opened).toEqual([])
})

test.each([
  { client: 'of the worker', open: patient },
  { client: 'that adds jobs', open: impatient },
])('a client $client tries again until its end, and then no more: its store may never come back', ({ open }) => {
  const end = new AbortController()
  const { retryStrategy } = open({ url, password: undefined }, end.signal)
  expect([retryStrategy(1), retryStrategy(1_000)]).toEqual([100, 1_000])
  end.abort()
  expect(retryStrategy(1)).toBeNull()
})

test('our own store that has no program is an error, and no queue is opened', async () => {
  const { context, opened } = contextOf({ section: {} })
  await expect(startWork(context)).rejects.toMatchObject({
    code: 'misconfigured',
    message: expect.stringContaining('apt-get install redis-server'),
  })
  expect(opened).toEqual([])
})

test('a password that changes starts the service anew, and one that can not be read for a while does not', async () => {
  const scene: Scene = { section: { url, password: passwordFile }, password: 'old' }
  const { context, restarts } = contextOf(scene)
  let looks = 0
  const read = context.files.readSecret
  Object.assign(context.files, {
    readSecret: (...given: Parameters<typeof read>) => {
      looks += 1
      return read(...given)
    },
  })
  const running = await startWork(context, 2)
  onTestFinished(() => running[Symbol.asyncDispose]())
  scene.password = undefined
  const before = looks
  await expect.poll(() => looks).toBeGreaterThan(before + 3)
  expect(restarts()).toBe(0)
  scene.password = 'new'
  await expect.poll(restarts).toBeGreaterThan(0)
})

test('what is wrong is found before it starts, each with its setting', async () => {
  const faults = async (scene: Scene) => queue.check!({ ...contextOf(scene).context })
  expect(await faults({ section: { url, password: passwordFile }, password: 'good' })).toEqual([])
  expect(await faults({ section: { url, password: passwordFile } })).toEqual([
    { setting: 'queue.password', why: 'redis-password is not there' },
  ])
  expect(await faults({ section: {} })).toEqual([
    { setting: 'state', why: expect.stringContaining('apt-get install redis-server') },
  ])
  expect(await faults({ section: {}, state: `/${'x'.repeat(100)}` })).toEqual([
    { setting: 'state', why: expect.stringContaining('too long for a socket') },
  ])
})

test('jobs go through the queue that is open, and are refused where none is', async () => {
  const added: string[] = []
  let firstTimes = 0
  const door = createQueueDoor(() => (firstTimes += 1))
  const opening: Queue = { add: async ({ name }) => void added.push(name), counts: async () => ({ wait: 1 }) }
  expect(await door.counts()).toBeUndefined()
  const first = door.open(opening)
  await door.add({ name: 'stage-image' })
  expect(await door.counts()).toEqual({ wait: 1 })
  // The end of one closes no other.
  const second = door.open({ add: async ({ name }) => void added.push(`second ${name}`) })
  first[Symbol.dispose]()
  await door.add({ name: 'stage-image' })
  second[Symbol.dispose]()
  await expect(door.add({ name: 'stage-image' })).rejects.toMatchObject({
    code: 'unreachable',
    message: 'the queue is not running, so stage-image is not queued',
  })
  expect([added, firstTimes]).toEqual([['stage-image', 'second stage-image'], 1])
})
