import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTalos } from '../../../src/adapters/talos/talos.ts'
import type { Credentials } from '../../../src/adapters/talos/talosconfig.ts'
import type { Talos } from '../../../src/core/cluster/ports.ts'
import { createAuthority, type LabAuthority } from '../../lab/authority.ts'
import type { TalosNode } from '../../lab/talos/node.ts'
import { refusal } from '../refusal.ts'
import { imageOf, startTalosLab, type TalosLab } from './lab.ts'
import { soon } from '../../patience.ts'

let at: TalosLab
let stranger: LabAuthority
let node: TalosNode
let admin: Credentials
beforeAll(async () => {
  at = await startTalosLab({ name: 'w-1', address: '127.0.44.39' })
  stranger = await createAuthority('talos')
  node = at.nodes[0]!
  const identity = await at.authority.issueClient({ common: 'caretaker', organizations: ['os:admin'] })
  admin = { ca: at.authority.ca, ...identity, roles: ['os:admin'], expires: new Date() }
})
afterAll(() => at[Symbol.asyncDispose]())

const through = (address: string, credentials: Credentials = admin) =>
  createTalos({ nodes: [{ name: 'w-1', role: 'worker', address }], credentials })

describe('who may not', () => {
  test.each([
    {
      name: 'pull',
      needed: 'pulling images needs os:admin or os:operator',
      call: (talos: Talos) => talos.pullImage('w-1', imageOf('v1.13.10'), soon()),
    },
    {
      name: 'install',
      needed: 'installing needs os:admin',
      call: (talos: Talos) => talos.install('w-1', imageOf('v1.13.10'), soon()),
    },
    {
      name: 'upgrade',
      needed: 'upgrading needs os:admin',
      call: (talos: Talos) => talos.installAndReboot('w-1', { image: imageOf('v1.13.10'), mode: 'default' }, soon()),
    },
    {
      name: 'reboot',
      needed: 'rebooting needs os:admin or os:operator',
      call: (talos: Talos) => talos.reboot('w-1', 'default', soon()),
    },
    {
      name: 'shut down',
      needed: 'shutting down needs os:admin or os:operator',
      call: (talos: Talos) => talos.shutDown('w-1', { force: true }, soon()),
    },
    {
      name: 'roll back',
      needed: 'rolling back needs os:admin',
      call: (talos: Talos) => talos.rollback('w-1', soon()),
    },
    {
      name: 'hand over the leadership of',
      needed: 'forfeiting etcd leadership needs os:admin',
      call: (talos: Talos) => talos.forfeitLeadership('w-1', soon()),
    },
    {
      name: 'snapshot',
      needed: 'taking etcd snapshots needs os:admin, os:operator or os:etcd:backup',
      call: (talos: Talos) => Array.fromAsync(talos.snapshotEtcd('w-1', soon())),
    },
  ])('$name a node is told which role is missing', async ({ needed, call }) => {
    expect(await refusal(call(await at.as(['os:reader'])))).toMatchObject({
      code: 'rejected',
      message: `w-1 (${node.address}): ${needed}; the talosconfig has os:reader`,
    })
    expect(node.stage).toBe('running')
  })

  test('look is told which role is missing', async () => {
    const talos = await at.as(['os:etcd:backup'])
    const error = await refusal(talos.observe('w-1', soon()))
    expect(error.message).toBe(
      `w-1 (${node.address}): observing a node needs os:admin, os:operator or os:reader; ` +
        'the talosconfig has os:etcd:backup',
    )
  })

  test('although the talosconfig has the role is told what the node says', async () => {
    const error = await refusal((await at.as(['os:reader'], { roles: ['os:admin'] })).reboot('w-1', 'default', soon()))
    expect(error.message).toBe(`w-1 (${node.address}): not authorized`)
  })

  test('show a certificate of this cluster is told what to look at', async () => {
    const identity = await stranger.issueClient({ common: 'caretaker', organizations: ['os:admin'] })
    const talos = through(node.address, { ...admin, ...identity })
    for (const call of [
      talos.observe('w-1', soon()),
      talos.version('w-1', soon()),
      talos.reboot('w-1', 'default', soon()),
    ]) {
      expect(await refusal(call)).toMatchObject({
        code: 'unreachable',
        message: `w-1 (${node.address}) closed the connection: it is restarting, or it rejects the talosconfig's certificate`,
      })
    }
  })
})

describe('a node that is not the one', () => {
  test('because its certificate is from another CA is a mistake of the configuration', async () => {
    const error = await refusal(through(node.address, { ...admin, ca: stranger.ca }).observe('w-1', soon()))
    expect(error.code).toBe('misconfigured')
    expect(error.message).toMatch(
      /^w-1 \(127\.0\.44\.39\): its certificate is not from the CA in the talosconfig: is this the right cluster, or was its CA rotated\? \([^()]+\)$/,
    )
  })

  test('because its certificate lacks the address is a mistake of the configuration', async () => {
    const sockets = new Set<Socket>()
    const forward = createServer((socket) => {
      const inner = connect(node.port, node.address)
      for (const end of [socket, inner]) sockets.add(end.on('error', () => {}))
      socket.pipe(inner).pipe(socket)
    })
    await new Promise<void>((resolve) => forward.listen(0, '127.0.44.40', resolve))
    const address = `127.0.44.40:${(forward.address() as AddressInfo).port}`
    const error = await refusal(through(address).observe('w-1', soon()))
    for (const socket of sockets) socket.destroy()
    forward.close()
    expect(error.code).toBe('misconfigured')
    expect(error.message).toContain('its certificate is not valid for this address: add it to machine.certSANs')
  })

  test('because nobody configured it is a mistake of the configuration', async () => {
    expect(await refusal(at.talos.observe('w-9', soon()))).toMatchObject({
      code: 'misconfigured',
      message: 'the configuration has no node w-9',
    })
  })
})

describe('a node that does not answer', () => {
  beforeEach(() => {
    node.faults.silent = false
  })
  const calls: [string, (talos: Talos, signal: AbortSignal) => Promise<unknown>][] = [
    ['observe', (talos, signal) => talos.observe('w-1', signal)],
    ['version', (talos, signal) => talos.version('w-1', signal)],
    ['pullImage', (talos, signal) => talos.pullImage('w-1', imageOf('v1.13.10'), signal)],
    ['install', (talos, signal) => talos.install('w-1', imageOf('v1.13.10'), signal)],
    [
      'installAndReboot',
      (talos, signal) => talos.installAndReboot('w-1', { image: imageOf('v1.13.10'), mode: 'default' }, signal),
    ],
    ['reboot', (talos, signal) => talos.reboot('w-1', 'default', signal)],
    ['shutDown', (talos, signal) => talos.shutDown('w-1', { force: true }, signal)],
    ['rollback', (talos, signal) => talos.rollback('w-1', signal)],
    ['forfeitLeadership', (talos, signal) => talos.forfeitLeadership('w-1', signal)],
    ['snapshotEtcd', (talos, signal) => Array.fromAsync(talos.snapshotEtcd('w-1', signal))],
    ['follow', (talos, signal) => Array.fromAsync(talos.follow('w-1', signal))],
  ]

  test.each(calls)('because it is down is unreachable: %s', async (_, call) => {
    const error = await refusal(call(through('127.0.44.41'), soon()))
    expect(error).toMatchObject({ code: 'unreachable', retryable: true })
    expect(error.message).toBe('w-1 (127.0.44.41): connection refused')
  })

  test.each(calls)('because it is silent ends with the signal: %s', async (_, call) => {
    node.faults.silent = true
    const began = performance.now()
    const error = await refusal(call(at.talos, soon(150)))
    expect(performance.now() - began).toBeLessThan(15_000)
    expect(error.code).toBe('unreachable')
    // A busy machine is late, too.
    expect(error.message).toMatch(/^w-1 \(127\.[\d.]+\) did not answer within (?:\d+ ms|\d s)$/)
  })

  test.each(calls)('because nobody may ask any more is not even asked: %s', async (_, call) => {
    const before = node.calls.length
    expect((await refusal(call(at.talos, AbortSignal.abort()))).retryable).toBe(true)
    expect(node.calls.length).toBe(before)
  })

  test('has no name that resolves, which is unreachable too', async () => {
    const error = await refusal(through('cp-1.invalid').observe('w-1', soon()))
    expect(error.code).toBe('unreachable')
    expect(error.message).toContain('cp-1.invalid')
  })
})
