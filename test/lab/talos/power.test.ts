import { Code } from '@connectrpc/connect'
import { describe, expect, test } from 'vitest'
import { failure, follow } from './client.ts'
import { createTalosNodes, install, until } from './nodes.ts'

const { bootWorker, callsTo } = createTalosNodes()

describe('reboots that do not go as asked', () => {
  test('a reboot while another sequence holds the lock is answered with OK, and only an event without an actor tells', async () => {
    const node = await bootWorker({ address: '127.0.40.20' })
    const admin = await callsTo(node)
    const followed = follow(admin)
    await followed.hello
    node.faults.locked = true
    expect((await admin.machine.reboot({})).messages[0]?.actorId).not.toBe('')
    await followed.seen('sequence reboot LOCKED')
    expect(followed.events.at(-1)?.actorId).toBe('')
    node.faults.rebootIgnored = true
    await admin.machine.reboot({})
    await admin.machine.version({})
    expect(followed.told()).not.toContain('sequence reboot START')
    expect(node).toMatchObject({ stage: 'running', ready: true, answering: true })
  })

  test('after kexec old connections stay open and silent, and new ones wait until the node is up', async () => {
    const node = await bootWorker({ address: '127.0.40.21' })
    const admin = await callsTo(node)
    const followed = follow(admin)
    await followed.hello
    let ended = false
    followed.ended.then(
      () => (ended = true),
      () => {},
    )
    node.faults.halfOpen = true
    await admin.machine.reboot({})
    await until([node], () => !node.answering)
    const late = await callsTo(node)
    const version = late.machine.version({})
    await until([node], () => node.ready)
    expect((await version).messages[0]?.version?.tag).toBe('v1.13.9')
    expect(ended).toBe(false)
    // Speaking on the old connection is what tells: the new kernel knows nothing of it.
    expect((await failure(admin.machine.version({}, { timeoutMs: 5000 }))).code).not.toBe(Code.DeadlineExceeded)
    await followed.ended
  })

  test('a silent node accepts connections and answers nobody until it speaks again', async () => {
    const node = await bootWorker({ address: '127.0.40.22' })
    const admin = await callsTo(node)
    await admin.machine.version({})
    node.faults.silent = true
    const fresh = await callsTo(node)
    for (const { machine } of [admin, fresh])
      expect((await failure(machine.version({}, { timeoutMs: 100 }))).code).toBe(Code.DeadlineExceeded)
    node.faults.silent = false
    for (const { machine } of [admin, fresh]) expect((await machine.version({})).messages.length).toBe(1)
  })
})

describe('shutdown and power', () => {
  test('a shutdown drains, stops and powers off; the magic packet brings it back', async () => {
    const drained: string[] = []
    const cordonAndDrain = async (name: string) => {
      drained.push(name)
    }
    const node = await bootWorker({ address: '127.0.40.30', cordonAndDrain })
    const admin = await callsTo(node)
    const followed = follow(admin)
    await followed.hello
    await admin.machine.shutdown({})
    await followed.seen('SHUTTING_DOWN ready')
    await followed.seen('task stopAllServices')
    await until([node], () => node.power === 'off')
    expect(node).toMatchObject({ answering: false, ready: false, stage: 'unknown' })
    expect(drained).toEqual(['w-1'])
    expect((await failure((await callsTo(node)).machine.version({}))).code).toBe(Code.Unavailable)
    node.wake()
    node.wake()
    await until([node], () => node.ready)
    await (await callsTo(node)).machine.shutdown({ force: true })
    await until([node], () => node.power === 'off')
    expect(drained).toEqual(['w-1'])
  })

  test('a shutdown that cannot cordon powers off at once', async () => {
    const node = await bootWorker({
      address: '127.0.40.31',
      pace: { boot: 40, settle: 40, cordon: 20 },
      cordonAndDrain: () => new Promise(() => {}),
    })
    const admin = await callsTo(node)
    const followed = follow(admin)
    await followed.hello
    await admin.machine.shutdown({})
    await followed.seen('sequence shutdown FATAL')
    await until([node], () => node.power === 'off')
    expect(followed.told()).not.toContain('task stopAllServices')
  })

  test('a shutdown that hangs still answers, and only the cord ends it', async () => {
    const node = await bootWorker({ address: '127.0.40.32' })
    const admin = await callsTo(node)
    const followed = follow(admin)
    await followed.hello
    node.faults.shutdownHangs = true
    await admin.machine.shutdown({ force: true })
    await followed.seen('task unmountEphemeralPartition')
    expect(node).toMatchObject({ power: 'on', answering: true, stage: 'shutting down' })
    await admin.machine.version({})
    node.cutPower()
    expect(node).toMatchObject({ power: 'off', answering: false, stage: 'unknown' })
  })

  test('an armed node that loses its power boots the new release', async () => {
    const node = await bootWorker({ address: '127.0.40.33' })
    await install(await callsTo(node), 'v1.13.10')
    node.cutPower()
    node.wake()
    await until([node], () => node.ready)
    expect(node.version).toBe('v1.13.10')
  })
})
