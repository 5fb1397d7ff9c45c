import { describe, expect, it } from 'vitest'
import { type Arrival, awaited, judgeArrival } from '../../../src/core/provision/delivered.ts'
import type { Machine } from '../../../src/core/provision/machine.ts'
import type { MemberLook } from '../../../src/core/provision/seen.ts'

const at = '2026-11-27T08:00:00.000Z'
const uuid = '4c4c4544-0051-3310-8052-b4c04f4e4d31'
const mac = '52:54:00:12:34:56'

function delivered(claim: Machine['claimants'][number]['claim'] = { uuid, mac }): Machine {
  return {
    id: uuid,
    state: 'delivered',
    since: at,
    firstAt: at,
    claimants: [{ address: '192.168.0.21', claim, way: 'plain', code: 'BCDF-GHJK', asked: 0, firstAt: at, lastAt: at }],
    delivery: { at, address: '192.168.0.21', way: 'plain', sha256: 'f', isWhole: true },
    order: { name: 'worker-2', role: 'worker', labels: {}, patches: [] },
  }
}

const look: MemberLook = {
  uuid,
  name: 'worker-2',
  role: 'worker',
  stage: 'running',
  version: 'v1.13.9',
  schematic: undefined,
  macs: [mac],
}
const member = (more: Partial<MemberLook> = {}): Arrival => ({ kind: 'member', look: { ...look, ...more } })
const minutes = (count: number) => Date.parse(at) + count * 60_000

describe('a machine that has its configuration', () => {
  it.each([
    { name: 'has joined once it runs as a node with its UUID', arrival: member(), isVerified: true, isJoined: true },
    {
      name: 'is verified while it installs, and has not joined',
      arrival: member({ stage: 'installing' }),
      isVerified: true,
      isJoined: false,
    },
    {
      name: 'is not the node at its address that has another UUID',
      arrival: member({ uuid: '4c4c4544-0051-3310-8052-b4c04f4e4d32' }),
      trouble: /another machine answers as a node at 192\.168\.0\.21, with worker-2, UUID/,
    },
    {
      name: 'is not the node at its address that tells no UUID',
      arrival: member({ uuid: undefined }),
      trouble: /another/,
    },
    {
      name: 'is known by its card where it has no UUID',
      claim: { mac },
      arrival: member({ uuid: undefined }),
      isVerified: true,
      isJoined: true,
    },
    {
      name: 'is not the node with other cards, where it has no UUID',
      claim: { mac },
      arrival: member({ macs: [] }),
      trouble: /another machine/,
    },
    {
      name: 'that comes up in another role is trouble',
      arrival: member({ role: 'controlplane' }),
      trouble: /has come up as controlplane, and not as worker/,
    },
    { name: 'may be in maintenance for a moment', arrival: { kind: 'maintenance' } as const, after: 0.5 },
    {
      name: 'has failed to install where it is in maintenance later',
      arrival: { kind: 'maintenance' } as const,
      after: 2,
      trouble: /its installation has failed/,
    },
    { name: 'may be silent while it installs', arrival: { kind: 'silent' } as const, after: 15 },
    {
      name: 'is trouble when it has been silent for too long',
      arrival: { kind: 'silent' } as const,
      after: 25,
      trouble: /for 25 min and does not answer/,
    },
    {
      name: 'is trouble when a stranger answers at its address',
      arrival: { kind: 'stranger', why: 'its certificate is not from the CA' } as const,
      trouble: /no node of this cluster: its certificate/,
    },
  ])('$name', ({ claim, arrival, after = 1, isVerified = false, isJoined = false, trouble }) => {
    const judged = judgeArrival(delivered(claim), arrival, minutes(after))
    expect(judged).toEqual({
      isVerified,
      isJoined,
      trouble: trouble === undefined ? undefined : expect.stringMatching(trouble),
    })
  })

  it('is looked at from its delivery until it has joined', () => {
    const states = ['pending', 'approved', 'delivering', 'delivered', 'verified', 'locked', 'rejected'] as const
    const all = states.map((state) => ({ ...delivered(), state }))
    expect(awaited(all).map(({ state }) => state)).toEqual(['delivering', 'delivered', 'verified'])
  })
})
