import { Code } from '@connectrpc/connect'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { EventType, type Event, type WatchResponse } from '../../../src/adapters/talos/gen/state_pb.ts'
import { failure, type TalosCalls } from './client.ts'
import { createTalosNodes, imageOf, install, until } from './nodes.ts'

const { bootWorker, callsTo } = createTalosNodes()
const statuses = { namespace: 'runtime', type: 'MachineStatuses.runtime.talos.dev', apiVersion: 1 }
const metaKeys = { namespace: 'runtime', type: 'MetaKeys.runtime.talos.dev', apiVersion: 1 }

const open = (calls: TalosCalls, request: Parameters<TalosCalls['state']['watch']>[0]) =>
  calls.state.watch(request)[Symbol.asyncIterator]()

async function next(stream: AsyncIterator<WatchResponse>): Promise<Event | undefined> {
  const { value, done } = await stream.next()
  expect(done).toBe(false)
  return (value as WatchResponse).event[0]
}

const inWords = (event: Event | undefined) =>
  event && [
    Object.keys(EventType).find((name) => EventType[name as keyof typeof EventType] === event.eventType),
    event.resource?.metadata?.id,
    parse(event.resource?.spec?.yamlSpec ?? ''),
  ]

describe('a watch of a node’s resources', () => {
  test('of one begins with an empty answer, tells what there is and then what changes', async () => {
    const node = await bootWorker({ address: '127.0.46.1' })
    const admin = await callsTo(node)
    const stream = open(admin, { ...statuses, id: 'machine' })
    expect(await next(stream)).toBeUndefined()
    const running = { stage: 'running', status: { ready: true, unmetConditions: [] } }
    expect(inWords(await next(stream))).toEqual(['CREATED', 'machine', running])
    await admin.machine.reboot({})
    const update = await next(stream)
    expect(inWords(update)).toEqual(['UPDATED', 'machine', { ...running, stage: 'rebooting' }])
    expect(parse(update?.old?.spec?.yamlSpec ?? '')).toEqual(running)
    expect((await failure(stream.next())).code).toBe(Code.Canceled)
  })

  test('of one that is not there begins with its tombstone', async () => {
    const node = await bootWorker({ address: '127.0.46.2' })
    const admin = await callsTo(node)
    const stream = open(admin, { ...metaKeys, id: '0x06' })
    expect(await next(stream)).toBeUndefined()
    expect(inWords(await next(stream))).toEqual(['DESTROYED', '0x06', null])
    // META is not read again after LifecycleService.Upgrade, so that what is staged is the next change.
    await install(admin, 'v1.13.10')
    const staged = open(admin, { ...metaKeys, id: '0x07' })
    for (let answer = 0; answer < 2; answer++) await next(staged)
    node.stageUpgrade(imageOf('v1.13.11'))
    expect(inWords(await next(staged))).toEqual(['CREATED', '0x07', { value: imageOf('v1.13.11') }])
  })

  test('of all tells changes alone, or what there is first where that is asked for', async () => {
    const node = await bootWorker({ address: '127.0.46.3' })
    const admin = await callsTo(node)
    node.stageUpgrade(imageOf('v1.13.10'))
    const changes = open(admin, metaKeys)
    const all = open(admin, { ...metaKeys, options: { bootstrapContents: true } })
    for (const stream of [changes, all]) expect(await next(stream)).toBeUndefined()
    expect(inWords(await next(all))?.slice(0, 2)).toEqual(['CREATED', '0x07'])
    expect(inWords(await next(all))?.slice(0, 2)).toEqual(['CREATED', '0x08'])
    expect(inWords(await next(all))).toEqual(['BOOTSTRAPPED', '', null])
    node.stageUpgrade(imageOf('v1.13.11'))
    for (const stream of [changes, all]) expect(inWords(await next(stream))?.slice(0, 2)).toEqual(['UPDATED', '0x07'])
  })

  test('is refused where it can not be, and breaks off with one word where its reader is too slow', async () => {
    const node = await bootWorker({ address: '127.0.46.4' })
    const admin = await callsTo(node)
    const both = open(admin, { ...statuses, id: 'machine', options: { bootstrapContents: true } })
    expect((await failure(both.next())).code).toBe(Code.Unimplemented)
    const unknown = open(admin, { namespace: 'runtime', type: 'Made.up' })
    expect(await failure(unknown.next())).toEqual({
      code: Code.PermissionDenied,
      message: 'resource type "Made.up" is not supported',
    })
    const configs = { namespace: 'config', type: 'MachineConfigs.config.talos.dev' }
    const reader = await callsTo(node, ['os:reader'])
    expect((await failure(open(reader, configs).next())).message).toBe('not authorized')
    node.faults.watchOverrun = true
    const slow = open(admin, { ...statuses, id: 'machine' })
    expect(await next(slow)).toBeUndefined()
    expect(await next(slow)).toMatchObject({ eventType: EventType.ERRORED, error: expect.stringContaining('overrun') })
    await admin.machine.reboot({})
    await until([node], () => !node.answering)
    expect((await failure(slow.next())).code).toBe(Code.Canceled)
  })
})
