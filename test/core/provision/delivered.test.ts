import { describe, expect, it } from 'vitest'
import { type Arrival, awaited, chooseArrival, judgeArrival, placesOf } from '../../../src/core/provision/delivered.ts'
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
    { name: 'need not tell its role', arrival: member({ role: undefined }), isVerified: true, isJoined: true },
    {
      name: 'is no node that tells nothing, where it has said nothing',
      claim: {},
      arrival: member({ uuid: undefined, name: undefined, macs: [] }),
      trouble: /with neither a UUID nor a network card$/,
    },
    {
      name: 'is no node at all where it has said nothing',
      claim: {},
      arrival: member(),
      trouble: /with worker-2, UUID \S+, 52:54:00:12:34:56$/,
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
  ])('$name', ({ claim, arrival, after = 1, isVerified = false, isJoined = false, trouble = /^none$/ }) => {
    const judged = judgeArrival(delivered(claim), { address: '192.168.0.21', arrival }, minutes(after))
    expect({ ...judged, trouble: '' }).toEqual({ isVerified, isJoined, trouble: '' })
    expect(judged.trouble ?? 'none').toMatch(trouble)
  })

  it('is who asked at the address where it was given, though somebody else asked since', () => {
    const rival = { ...delivered().claimants[0]!, address: '192.168.0.66', claim: { mac: '02:00:00:00:00:01' } }
    const own = delivered({ mac }).claimants[0]!
    const seen = { address: '192.168.0.21', arrival: member({ uuid: undefined }) }
    const both = { ...delivered(), claimants: [rival, own] }
    expect(judgeArrival(both, seen, minutes(1)).isVerified).toBe(true)
    expect(judgeArrival({ ...both, claimants: [rival] }, seen, minutes(1)).isVerified).toBe(false)
    expect(judgeArrival({ ...both, claimants: [], order: undefined }, seen, minutes(1)).isVerified).toBe(false)
    expect(judgeArrival({ ...both, order: undefined }, seen, minutes(1)).isVerified).toBe(true)
  })

  const moved: Machine = {
    ...delivered(),
    delivery: { ...delivered().delivery!, addresses: ['192.168.0.5', '192.168.0.21'] },
  }
  const silent: Arrival = { kind: 'silent' }
  const stranger: Arrival = { kind: 'stranger', why: 'its certificate is not from the CA' }

  it('is looked for where it asked from, and where its configuration puts it', () => {
    expect(placesOf(delivered())).toEqual(['192.168.0.21'])
    expect(placesOf(moved)).toEqual(['192.168.0.21', '192.168.0.5'])
  })

  it.each([
    { name: 'has joined at the address that it gave itself', old: silent, own: member(), at: '192.168.0.5' },
    {
      name: 'has joined there though another one has its old address',
      old: stranger,
      own: member(),
      at: '192.168.0.5',
    },
    { name: 'installs while another one has its old address', old: stranger, own: silent, at: '192.168.0.5' },
    {
      name: 'is in maintenance again where it asked from',
      old: { kind: 'maintenance' } as const,
      own: silent,
      at: '192.168.0.21',
    },
    { name: 'is not the one that answers where it is to be', old: member(), own: stranger, at: '192.168.0.21' },
  ])('$name', ({ old, own, at: address }) => {
    const seen = [
      { address: '192.168.0.21', arrival: old },
      { address: '192.168.0.5', arrival: own },
    ]
    expect(chooseArrival(moved, seen, minutes(1))?.address).toBe(address)
  })

  it('is looked at from its delivery until it has joined', () => {
    const states = ['pending', 'approved', 'delivering', 'delivered', 'verified', 'locked', 'rejected'] as const
    const all = states.map((state) => ({ ...delivered(), state }))
    expect(awaited(all).map(({ state }) => state)).toEqual(['delivering', 'delivered', 'verified'])
  })
})
