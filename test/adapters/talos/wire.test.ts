import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createTalos } from '../../../src/adapters/talos/talos.ts'
import type { Credentials } from '../../../src/adapters/talos/talosconfig.ts'
import type { Talos } from '../../../src/core/cluster/ports.ts'
import { slowWire } from '../../lab/slow-wire.ts'
import type { EarlyEnd, TalosNode } from '../../lab/talos/node.ts'
import { refusal } from '../refusal.ts'
import { imageOf, startTalosLab, type TalosLab } from './lab.ts'
import { patience, soon } from '../../patience.ts'

let at: TalosLab
let node: TalosNode
let admin: Credentials
beforeAll(async () => {
  at = await startTalosLab({ name: 'cp-1', address: '127.0.44.61', version: 'v1.14.1' })
  node = at.nodes[0]!
  const identity = await at.authority.issueClient({ common: 'caretaker', organizations: ['os:admin'] })
  admin = { ca: at.authority.ca, ...identity, roles: ['os:admin'], expires: new Date() }
})
afterAll(() => at[Symbol.asyncDispose]())
afterEach(() => {
  node.faults.endsEarly = undefined
})

/** Ports of ours from which a connection to Talos at this address is being made: those in SYN_SENT. */
async function connecting(address: string): Promise<Set<string>> {
  const peer = `${Buffer.from(address.split('.').map(Number).toReversed()).toString('hex').toUpperCase()}:C350`
  const rows = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((row) => row.trim().split(/\s+/))
  return new Set(rows.flatMap(([, own, to, state]) => (to === peer && state === '02' ? [own!] : [])))
}

const through = (address: string) =>
  createTalos({ nodes: [{ name: 'cp-1', role: 'controlplane', address }], credentials: admin })

describe('a node whose answers arrive in one piece', () => {
  // On a Node whose http2 streams lose their end then, some of these would be lost, and at 150 ms nearly all.
  test.each([30, 150])('after %i ms is observed every time, its etcd included', async (delay) => {
    await using wire = await slowWire(node, delay)
    const talos = through(wire.address)
    for (let round = 0; round < 4; round++) {
      const seen = await Promise.all([1, 2, 3].map(() => talos.observe('cp-1', soon())))
      for (const facts of seen) expect(facts).toMatchObject({ version: 'v1.14.1', etcd: { ok: true } })
    }
  })

  test('hands over a whole snapshot of etcd', async () => {
    await using wire = await slowWire(node, 30)
    const chunks = await Array.fromAsync(through(wire.address).snapshotEtcd('cp-1', soon()))
    expect(Buffer.concat(chunks).equals(at.etcd.snapshot())).toBe(true)
  })
})

test.each([0, 120])('a node that hangs on its way down says in which phase, over a wire of %i ms', async (delay) => {
  await using other = await startTalosLab({ name: 'cp-1', address: '127.0.44.62', version: 'v1.14.1' })
  const [hanging] = other.nodes
  await using wire = await slowWire(hanging!, delay)
  const talos = await other.as(
    ['os:admin'],
    {},
    { nodes: [{ name: 'cp-1', role: 'controlplane', address: wire.address }] },
  )
  hanging!.faults.shutdownHangs = true
  await talos.shutDown('cp-1', { force: true }, soon())
  await vi.waitFor(
    async () =>
      expect(await talos.activity('cp-1', soon())).toEqual({ stage: 'shutting down', phase: 'unmountSystem' }),
    patience,
  )
})

const early = (end: Partial<EarlyEnd>): EarlyEnd => ({ after: 'nothing', by: 'close', times: 1, ...end })
const ways = ['end', 'close', 'goaway', 0, 1, 2, 3, 5, 7, 8, 11, 12, 13, 42] as const
const parts = ['nothing', 'headers', 'half a message', 'one message', 'all messages'] as const
const cuts = parts.flatMap((after) => ways.map((by) => [after, by] as const))

describe('an answer that ends early', () => {
  test.each(cuts)('after %s, by %s, is asked for once more', async (after, by) => {
    node.faults.endsEarly = early({ after, by })
    const { bootId } = node
    expect(await at.talos.observe('cp-1', soon())).toMatchObject({ version: 'v1.14.1', bootId, etcd: { ok: true } })
    expect(node.faults.endsEarly).toBeUndefined()
  })

  test.each(cuts)('after %s, by %s, every time, passes, and is no fact', async (after, by) => {
    node.faults.endsEarly = early({ after, by, times: 1_000 })
    expect(await refusal(at.talos.version('cp-1', soon()))).toMatchObject({ code: 'unreachable', retryable: true })
  })

  test.each([
    'MachineService.Version',
    'MachineService.ServiceList',
    'MachineService.Read',
    'MachineService.EtcdStatus',
    'MachineService.EtcdMemberList',
    'MachineService.EtcdAlarmList',
    'State.Get',
    'State.List',
  ])('of %s is nothing that the node lacks', async (method) => {
    // A message that is cut has the code of a refusal at our end of the wire.
    const endings = [
      ['half a message', 'end'],
      ['headers', 13],
      ['all messages', 'close'],
    ] as const
    for (const [after, by] of endings) {
      node.faults.endsEarly = early({ method, after, by, times: 1 })
      expect(await at.talos.observe('cp-1', soon())).toMatchObject({
        bootedEntry: 'Talos-v1.14.1.efi',
        uuid: node.uuid,
        etcd: { ok: true },
      })
      node.faults.endsEarly = early({ method, after, by, times: 1_000 })
      expect(await refusal(at.talos.observe('cp-1', soon()))).toMatchObject({ code: 'unreachable' })
    }
  })

  const orders: [string, (talos: Talos) => Promise<unknown>][] = [
    ['pulls an image', (talos) => talos.pullImage('cp-1', imageOf('v1.14.2'), soon())],
    ['installs', (talos) => talos.install('cp-1', imageOf('v1.14.2'), soon())],
    ['hands the leadership over', (talos) => talos.forfeitLeadership('cp-1', soon())],
    ['takes a snapshot', (talos) => Array.fromAsync(talos.snapshotEtcd('cp-1', soon()))],
  ]
  test.each(orders)('when somebody %s can be tried later, and is not repeated unasked', async (_, order) => {
    await at.talos.pullImage('cp-1', imageOf('v1.14.2'), soon())
    const { length } = node.calls
    node.faults.endsEarly = early({ after: 'headers', by: 2, times: 1_000 })
    expect(await refusal(order(at.talos))).toMatchObject({ code: 'unreachable', retryable: true })
    expect(node.calls.length - length).toBeLessThanOrEqual(1)
  })
})

describe('a connection', () => {
  test('that nobody answers is tried again at short intervals, so that a node is heard of as soon as it is back', async () => {
    // A full backlog drops SYNs, as the network does of a machine that is away; the kernel repeats them after 1, 3, 7 … s.
    const blocked = new Int32Array(new SharedArrayBuffer(4))
    const worker = new Worker(
      `const { workerData: { blocked } } = require('node:worker_threads')
       const server = require('node:net').createServer((socket) => socket.destroy())
       server.listen({ host: '127.0.44.62', port: 50000, backlog: 1 }, () => {
         require('node:worker_threads').parentPort.postMessage('listening')
         setImmediate(() => Atomics.wait(blocked, 0, 0))
       })`,
      { eval: true, workerData: { blocked } },
    )
    await once(worker, 'message')
    const fillers: Socket[] = []
    for (let index = 0; index < 4; index++) {
      const filler = new Socket().connect(50_000, '127.0.44.62')
      filler.on('error', () => {})
      fillers.push(filler)
    }
    await vi.waitFor(
      () => expect(fillers.filter(({ connecting }) => !connecting).length).toBeGreaterThanOrEqual(2),
      patience,
    )
    const limits = { connect: 100, handshake: 60_000 }
    const talos = createTalos({
      nodes: [{ name: 'w-1', role: 'worker', address: '127.0.44.62' }],
      credentials: admin,
      limits,
    })
    let over = false
    const attempts = await connecting('127.0.44.62')
    const asked = refusal(talos.version('w-1', soon())).finally(() => (over = true))
    // The kernel repeats the SYN of one attempt, from the same port.
    await vi.waitFor(async () => {
      for (const port of await connecting('127.0.44.62')) attempts.add(port)
      expect(attempts.size).toBeGreaterThanOrEqual(fillers.length + 3)
    }, patience)
    expect(over).toBe(false)
    for (const filler of fillers) filler.destroy()
    Atomics.store(blocked, 0, 1)
    Atomics.notify(blocked, 0)
    expect(await asked).toMatchObject({ code: 'unreachable' })
    await worker.terminate()
  })

  test('whose handshake nobody answers is given up and made again', async () => {
    let attempts = 0
    const sockets = new Set<Socket>()
    const mute = createServer((socket) => {
      attempts++
      sockets.add(socket.on('error', () => {}))
    })
    mute.listen(50_000, '127.0.44.63')
    await once(mute, 'listening')
    const talos = createTalos({
      nodes: [{ name: 'w-1', role: 'worker', address: '127.0.44.63' }],
      credentials: admin,
      limits: { connect: 1_000, handshake: 30 },
    })
    const off = new AbortController()
    const followed = refusal(Array.fromAsync(talos.follow('w-1', off.signal)))
    await vi.waitFor(() => expect(attempts).toBeGreaterThan(2), patience)
    off.abort()
    expect(await followed).toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(/did not answer within \d+ m?s$/),
    })
    for (const socket of sockets) socket.destroy()
    mute.close()
  })
})
