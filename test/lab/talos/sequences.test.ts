import { fromBinary } from '@bufbuild/protobuf'
import { describe, expect, test } from 'vitest'
import { PhaseEventSchema, SequenceEventSchema, type Event } from '../../../src/adapters/talos/gen/machine_pb.ts'
import { follow } from './client.ts'
import { createTalosNodes, until } from './nodes.ts'

const { bootWorker, callsTo } = createTalosNodes()

/** The phases that events tell of, each once, in their order. */
function phasesIn(events: readonly Event[]): string[] {
  const starts = events.flatMap(({ data }) =>
    data?.typeUrl === 'talos/runtime/machine.PhaseEvent' ? [fromBinary(PhaseEventSchema, data.value)] : [],
  )
  return starts.filter(({ action }) => action === 0).map(({ phase }) => phase)
}

function reasonsIn(events: readonly Event[]): string[] {
  return events.flatMap(({ data }) => {
    if (data?.typeUrl !== 'talos/runtime/machine.SequenceEvent') return []
    const { error } = fromBinary(SequenceEventSchema, data.value)
    return error ? [error.message] : []
  })
}

describe('a shutdown', () => {
  test.each([
    [
      'v1.14.1',
      'storeShutdown cleanup preShutdown dbus denyNewServices stopContainers stopServices umount unmountBind ' +
        'unmountPromotable unmountSystem volumeFinalize stopEverything',
    ],
    [
      'v1.13.9',
      'storeShutdown cleanup dbus stopServices umount unmountBind unmountSystem volumeFinalize stopEverything',
    ],
  ])('of %s has its own phases, of which the last is never heard of', async (version, phases) => {
    const node = await bootWorker({ address: '127.0.46.51', version })
    const admin = await callsTo(node)
    const followed = follow(admin)
    await followed.hello
    await admin.machine.shutdown({ force: true })
    await until([node], () => node.power === 'off')
    await followed.ended
    expect(phasesIn(followed.events).join(' ')).toBe(phases)
  })

  test('that is asked for again begins again, and one that hangs goes on hanging and answering', async () => {
    const node = await bootWorker({ address: '127.0.46.52', version: 'v1.14.1' })
    const admin = await callsTo(node)
    const followed = follow(admin)
    await followed.hello
    node.faults.shutdownHangs = true
    const first = (await admin.machine.shutdown({ force: true })).messages[0]?.actorId
    await followed.seen('task unmountEphemeralPartition')
    const second = (await admin.machine.shutdown({ force: true })).messages[0]?.actorId
    const hangs = () => phasesIn(followed.events).filter((phase) => phase === 'unmountSystem').length
    await followed.until(() => hangs() === 2)
    expect(followed.told().filter((what) => what.startsWith('sequence'))).toEqual([
      'sequence shutdown START',
      'sequence shutdown STOP',
      'sequence shutdown CANCELED',
      'sequence shutdown START',
    ])
    expect(reasonsIn(followed.events)).toEqual(['sequence failed: context canceled'])
    const actors = followed.events.filter(({ actorId }) => actorId !== '').map(({ actorId }) => actorId)
    expect([...new Set(actors)]).toEqual([first, second])
    expect((await admin.machine.version({})).messages).toHaveLength(1)
    expect(node).toMatchObject({ power: 'on', stage: 'shutting down' })
  })

  test('lets no reboot in between: that is answered, and then said to be locked', async () => {
    const node = await bootWorker({ address: '127.0.46.53', version: 'v1.14.1' })
    const admin = await callsTo(node)
    const followed = follow(admin)
    await followed.hello
    node.faults.shutdownHangs = true
    await admin.machine.shutdown({ force: true })
    await followed.seen('task unmountEphemeralPartition')
    expect((await admin.machine.reboot({})).messages[0]?.actorId).not.toBe('')
    await followed.seen('sequence reboot LOCKED')
    expect(reasonsIn(followed.events)).toEqual(['sequence not started: locked'])
    expect(node.stage).toBe('shutting down')
  })
})

describe('a boot', () => {
  test.each([
    { name: 'a reboot', start: 'sequence reboot START', stage: 'REBOOTING ready' },
    { name: 'a shutdown', start: 'sequence shutdown START', stage: 'SHUTTING_DOWN ready' },
  ] as const)(
    'that $name preempts ends, shows itself running for a moment, and was interrupted',
    async ({ start, stage }) => {
      const node = await bootWorker({ address: '127.0.46.54', version: 'v1.14.1' })
      const { bootId } = node
      node.faults.stuckBooting = true
      await (await callsTo(node)).machine.reboot({})
      await until([node], () => node.bootId !== bootId && node.answering && node.stage === 'booting')
      const admin = await callsTo(node)
      const followed = follow(admin)
      await followed.hello
      if (start.includes('reboot')) await admin.machine.reboot({})
      else await admin.machine.shutdown({ force: true })
      await followed.seen(stage)
      const told = followed.told().filter((what) => /^(sequence|[A-Z_]+) /.test(what))
      expect(told.slice(told.indexOf('sequence boot STOP'))).toEqual([
        'sequence boot STOP',
        'RUNNING not ready',
        'sequence boot CANCELED',
        start,
        stage,
      ])
    },
  )
})

test('events have ids that sort after those of the boot before, so that a client that comes back misses none', async () => {
  const node = await bootWorker({ address: '127.0.46.55' })
  const before = await callsTo(node)
  const first = follow(before)
  await first.hello
  await before.machine.reboot({})
  await first.ended
  await until([node], () => node.ready)
  const last = first.events.at(-1)!.id
  expect(last).toMatch(/^[0-9a-v]{19}[0g]$/)
  const events: string[] = []
  for await (const { id, data } of (await callsTo(node)).machine.events({ tailId: last })) {
    if (data?.typeUrl) events.push(id)
    if (events.length === 10) break
  }
  expect(events.toSorted()).toEqual(events)
  expect(events[0]! > last).toBe(true)
})
