import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { snapshotEtcd } from '../../../src/adapters/talos/etcd-calls.ts'
import type { Session } from '../../../src/adapters/talos/session.ts'
import { refusal } from '../refusal.ts'
import { startTalosLab, type TalosLab } from './lab.ts'
import { patience, soon } from '../../patience.ts'

let at: TalosLab
beforeAll(async () => {
  at = await startTalosLab({ name: 'cp-1', address: '127.0.45.31' }, { name: 'w-1', address: '127.0.45.32' })
})
afterAll(() => at[Symbol.asyncDispose]())
beforeEach(() => {
  at.nodes[0]!.faults.silent = false
})

const whole = async (signal = soon()) => Buffer.concat(await Array.fromAsync(at.talos.snapshotEtcd('cp-1', signal)))
const isWhole = (file: Buffer) => createHash('sha256').update(file.subarray(0, -32)).digest().equals(file.subarray(-32))

describe('a snapshot of etcd', () => {
  test('is a database with its sha256 behind it', async () => {
    const file = await whole()
    expect(file.readUInt32LE(16)).toBe(0xed0cdaed)
    expect(file.length % 512).toBe(32)
    expect(isWhole(file)).toBe(true)
    expect(file.equals(at.etcd.snapshot())).toBe(true)
  })

  test('that breaks off throws, or ends early', async () => {
    const { faults } = at.nodes[0]!
    const size = (await whole()).length
    faults.snapshotBreaksOff = 'with an error'
    expect(await refusal(whole())).toMatchObject({
      code: 'unreachable',
      message: 'cp-1 (127.0.45.31): error reading snapshot: unexpected EOF',
    })
    faults.snapshotBreaksOff = 'silently'
    expect((await whole()).length).toBe(size >> 1)
    expect((await whole()).length).toBe(size)
  })

  test('that is damaged is not what its sum says', async () => {
    at.nodes[0]!.faults.snapshotDamaged = true
    expect(isWhole(await whole())).toBe(false)
    expect(isWhole(await whole())).toBe(true)
  })

  test('is no longer asked for by who has had enough', async () => {
    const [node] = at.nodes
    const stream = at.talos.snapshotEtcd('cp-1', soon())
    await vi.waitFor(() => expect(node!.connections).toBe(0), patience)
    for await (const bytes of stream) {
      expect([bytes.length, node!.connections]).toEqual([1024, 1])
      break
    }
    await vi.waitFor(() => expect(node!.connections).toBe(0), patience)
    expect(await Array.fromAsync(stream)).toEqual([])
    const failing = async () => {
      for await (const _ of at.talos.snapshotEtcd('cp-1', soon())) throw new Error('the disk is full')
    }
    await expect(failing()).rejects.toThrow('the disk is full')
    await vi.waitFor(() => expect(node!.connections).toBe(0), patience)
  })

  test('ends with its signal, also in the middle', async () => {
    const off = new AbortController()
    const called = async () => {
      for await (const _ of at.talos.snapshotEtcd('cp-1', off.signal)) {
        at.nodes[0]!.faults.silent = true
        off.abort()
      }
    }
    expect(await refusal(called())).toMatchObject({ code: 'unreachable' })
  })

  test('is given up where etcd does not run, which never answers', async () => {
    const talos = await at.as(['os:admin'], {}, { etcdWithin: 50 })
    at.etcd.setRunning('cp-1', false)
    expect(await refusal(Array.fromAsync(talos.snapshotEtcd('cp-1', soon())))).toMatchObject({
      code: 'timed-out',
      message: 'cp-1 (127.0.45.31): etcd did not start a snapshot within 0.05 s: is it running?',
    })
    await vi.waitFor(() => expect(at.nodes[0]!.connections).toBe(0), patience)
    at.etcd.setRunning('cp-1', true)
    expect(isWhole(await whole())).toBe(true)
  })

  test('is not given up while who reads it takes its time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const etcdSnapshot = async function* () {
      yield { bytes: Uint8Array.of(1) }
      yield { bytes: Uint8Array.of(2) }
    }
    const session = { machine: { etcdSnapshot } } as unknown as Session
    const etcd = { name: 'cp-1', address: '127.0.45.31', answersWithin: 10_000 }
    const read: number[] = []
    for await (const bytes of snapshotEtcd(session, etcd, soon())) {
      await vi.advanceTimersByTimeAsync(3_600_000)
      read.push(...bytes)
    }
    expect(read).toEqual([1, 2])
  })

  test('is not to be had from a worker', async () => {
    expect(await refusal(Array.fromAsync(at.talos.snapshotEtcd('w-1', soon())))).toMatchObject({
      code: 'rejected',
      message: 'w-1 (127.0.45.32): etcd snapshot is only available on control plane nodes',
    })
  })

  test('is there for the role os:etcd:backup', async () => {
    const talos = await at.as(['os:etcd:backup'])
    expect(Buffer.concat(await Array.fromAsync(talos.snapshotEtcd('cp-1', soon()))).length).toBeGreaterThan(8192)
  })
})
