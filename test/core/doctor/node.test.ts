import { describe, expect, test } from 'vitest'
import {
  judgeClock,
  judgeHealth,
  judgeIdentity,
  judgeRole,
  judgeWaking,
  type NodeClock,
  type NodeLink,
} from '../../../src/core/doctor/node.ts'
import type { Verdict } from '../../../src/core/doctor/check.ts'
import { worker } from '../cluster/nodes.ts'

test('a node in another role than the configured one fails, and is told how to agree', () => {
  expect(judgeRole(worker('w-1'))).toMatchObject({ verdict: 'ok' })
  const other = { ...worker('w-1'), configuredRole: 'controlplane' as const }
  expect(judgeRole(other)).toMatchObject({
    verdict: 'failed',
    reason: expect.stringMatching(/^runs as a worker and is configured as a controlplane/),
    next: expect.stringContaining('role: worker'),
  })
})

describe('who a node is', () => {
  test.each([
    { name: 'the same in both', node: worker('w-1'), verdict: 'ok' },
    {
      name: 'registered under another name',
      node: worker('w-1', { identity: { kind: 'renamed', as: 'talos-abc', machineId: 'f'.repeat(32) } }),
      verdict: 'failed',
      next: /^Give it the hostname w-1 again/,
    },
    {
      name: 'another machine at its address',
      node: worker('w-1', { identity: { kind: 'another', as: 'w-2', machineId: 'f'.repeat(32) } }),
      verdict: 'failed',
      next: /^Correct the addresses/,
    },
    {
      name: 'unknown to Kubernetes',
      node: worker('w-1', { kubernetes: 'silent' }),
      verdict: 'failed',
      next: /kubectl get nodes/,
    },
    { name: 'booted a moment ago', node: worker('w-1', { identity: { kind: 'late' } }), verdict: 'warning' },
  ])('$name', ({ node, verdict, next = /^$/ }) => {
    const found = judgeIdentity(node)
    expect(found.verdict).toBe(verdict)
    expect(found.next ?? '').toMatch(next)
  })
})

test('a node that boots, or is not ready, or whose service is ill, is a warning with what it says', () => {
  expect(judgeHealth(worker('w-1'))).toMatchObject({ verdict: 'ok' })
  expect(judgeHealth(worker('w-1', { talos: { stage: 'booting' } }))).toMatchObject({ reason: 'is booting' })
  const ill = judgeHealth(worker('w-1', { talos: { ready: false, unmet: ['nodeReady: no CNI'], ailing: ['kubelet'] } }))
  expect(ill).toMatchObject({
    verdict: 'warning',
    reason: 'is not ready: nodeReady: no CNI; the service kubelet is not healthy',
  })
  expect(judgeHealth(worker('w-1', { talos: 'silent' }))).toMatchObject({ verdict: 'skipped' })
})

describe('a clock', () => {
  const told = (off: number) => ({ at: 1_000_000 + off, from: 999_990, to: 1_000_010 })
  test.each<{ name: string; clock: NodeClock; verdict: Verdict; reason?: RegExp }>([
    { name: 'that agrees', clock: { synced: true, told: told(0) }, verdict: 'ok' },
    { name: 'whose answer was under way for a while', clock: { synced: true, told: told(1_900) }, verdict: 'ok' },
    { name: '3 s ahead', clock: { synced: true, told: told(3_010) }, verdict: 'warning', reason: /3 s ahead of/ },
    { name: '3 s behind', clock: { synced: true, told: told(-3_010) }, verdict: 'warning', reason: /3 s behind/ },
    {
      name: '10 min behind',
      clock: { synced: true, told: told(-600_010) },
      verdict: 'failed',
      reason: /10 min behind.*refused/,
    },
    {
      name: 'that is wrong although its server can not be asked',
      clock: { synced: false, trouble: 'timeout', told: told(600_010) },
      verdict: 'failed',
    },
    {
      name: 'whose server can not be asked',
      clock: { synced: false, trouble: 'timeout', told: told(0) },
      verdict: 'warning',
      reason: /timeout/,
    },
    { name: 'that is not in step', clock: { synced: false, told: told(0) }, verdict: 'warning', reason: /not in step/ },
    {
      name: 'that nobody keeps',
      clock: { synced: false, isDisabled: true, told: told(0) },
      verdict: 'warning',
      reason: /disabled/,
    },
    { name: 'that is not told', clock: { synced: undefined }, verdict: 'skipped' },
  ])('$name', ({ clock, verdict, reason = /./ }) => {
    expect(judgeClock(clock)).toMatchObject({ verdict, reason: expect.stringMatching(reason) })
  })
})

describe('what wakes a node', () => {
  const mac = '02:00:00:00:00:01'
  const card = (more: Partial<NodeLink> = {}): NodeLink => ({
    name: 'enp1s0',
    macs: [mac],
    isUp: true,
    wakesBy: ['magic'],
    ...more,
  })
  test.each<{
    name: string
    macs?: readonly string[]
    links: readonly NodeLink[] | undefined
    version?: string
    verdict: Verdict
    says?: RegExp
  }>([
    { name: 'a card that is set to', links: [card()], verdict: 'ok' },
    {
      name: 'its mac is written in another way',
      macs: ['02-00-00-00-00-01'.toUpperCase()],
      links: [card()],
      verdict: 'ok',
    },
    { name: 'no mac is configured', macs: [], links: [card()], verdict: 'warning', says: /press its button/ },
    {
      name: 'the mac of another machine',
      macs: ['02:00:00:00:00:09'],
      links: [card()],
      verdict: 'failed',
      says: /enp1s0 has 02:00:00:00:00:01/,
    },
    { name: 'one of two macs is wrong', macs: [mac, '02:00:00:00:00:09'], links: [card()], verdict: 'failed' },
    {
      name: 'a card that is not set to',
      links: [card({ wakesBy: [] })],
      verdict: 'warning',
      says: /not set to wake it by magic packets$/,
    },
    {
      name: 'a card that other packets wake',
      links: [card({ wakesBy: ['unicast'] })],
      verdict: 'warning',
      says: /only by unicast/,
    },
    { name: 'a card without a cable', links: [card({ isUp: false })], verdict: 'warning', says: /has no link/ },
    { name: 'a card whose driver does not tell', links: [card({ wakesBy: undefined })], verdict: 'skipped' },
    {
      name: 'a Talos that does not tell',
      links: [card({ wakesBy: [] })],
      version: 'v1.11.5',
      verdict: 'skipped',
      says: /from 1\.12 on/,
    },
    { name: 'a node that shows no cards', links: undefined, verdict: 'skipped' },
  ])('$name', ({ macs = [mac], links, version = 'v1.13.9', verdict, says = /./ }) => {
    expect(judgeWaking(macs, { links, version })).toMatchObject({ verdict, reason: expect.stringMatching(says) })
  })
})

test('a clock is judged by the least that it is apart, and a second more or less decides at 2 s and at a minute', () => {
  const verdictOf = (at: number) => judgeClock({ synced: undefined, told: { at, from: 100_000, to: 101_000 } }).verdict
  expect([98_001, 98_000, 40_001, 40_000].map(verdictOf)).toEqual(['ok', 'warning', 'warning', 'failed'])
  expect([102_999, 103_000, 160_999, 161_000].map(verdictOf)).toEqual(['ok', 'warning', 'warning', 'failed'])
  expect(judgeClock({ synced: undefined, told: { at: 1, from: 1, to: 1 } }).reason).toBe(
    'its clock agrees with the one here',
  )
  expect(judgeClock({ synced: true, told: { at: 1, from: 1, to: 1 } }).reason).toBe(
    'its clock is in step, and agrees with the one here',
  )
})

test('a node whose services are ill is not well although it says that it is ready, and the other way round', () => {
  expect(judgeHealth(worker('w-1', { talos: { ailing: ['kubelet'] } })).verdict).toBe('warning')
  expect(judgeHealth(worker('w-1', { talos: { ready: false } })).reason).toBe('is not ready: it does not say why')
})

test('the first Talos that tells what wakes a machine is believed', () => {
  const links = [{ name: 'enp1s0', macs: ['aa:bb:cc:00:00:01'], isUp: true, wakesBy: [] }]
  expect(judgeWaking(['AA:BB:CC:00:00:01'], { links, version: 'v1.12.0' }).verdict).toBe('warning')
})
