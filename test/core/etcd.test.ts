import { describe, expect, test } from 'vitest'
import type { Node } from '../../src/core/cluster.ts'
import { etcdBarrier, etcdObstacle, leadsEtcd, quorumObstacle } from '../../src/core/etcd.ts'
import { controlPlane, controlPlanes, idOf, worker } from './nodes.ts'

const member = (name: string, learner = false) => ({ id: idOf(name), name, learner })
const three = (choice = {}) => controlPlanes({}, choice, {})

describe('etcd is whole', () => {
  test.each<[string, Node[], string | undefined]>([
    ['when three members agree', three(), undefined],
    ['when one member is all there is', controlPlanes({}), undefined],
    ['when a worker is down', [...three(), worker('w-1', { talos: 'silent' })], undefined],
    ['not when a control plane is silent', three({ talos: 'silent' }), 'cp-2 does not tell of its etcd member'],
    ['not when a member is silent', three({ etcd: 'silent' }), 'cp-2 does not tell of its etcd member'],
    ['not when a member is ill', three({ etcd: { errors: ['NOSPACE', 'x'] } }), 'etcd on cp-2 reports NOSPACE, x'],
    ['not when a member learns', three({ etcd: { learner: true } }), 'etcd on cp-2 is still a learner'],
    ['not without a leader', three({ etcd: { leader: undefined } }), 'etcd on cp-2 has no leader'],
    ['not with two leaders', three({ etcd: { leader: idOf('cp-2') } }), 'cp-1 and cp-2 see different etcd leaders'],
    [
      'not when they disagree about who belongs to it',
      three({ etcd: { members: [member('cp-1'), member('cp-2')] } }),
      'cp-1 and cp-2 disagree about the members of etcd',
    ],
    [
      'not when somebody unknown learns',
      controlPlanes({ etcd: { members: [member('cp-1'), member('cp-9', true)] } }),
      'an etcd member is still a learner',
    ],
    ['not without any control plane', [worker('w-1')], 'no control plane is configured'],
  ])('%s', (_, nodes, obstacle) => {
    expect(etcdObstacle(nodes)).toBe(obstacle)
  })

  test('in whatever order its members are told', () => {
    const members = [member('cp-3'), member('cp-1'), member('cp-2')]
    expect(etcdObstacle(three({ etcd: { members } }))).toBeUndefined()
  })
})

describe('a control plane may go away', () => {
  const unready = { kubernetes: { ready: false } }
  test.each<[string, Node[], string | undefined]>([
    ['out of three', controlPlanes({}, {}, {}), undefined],
    ['out of five, one of which is not Ready', controlPlanes({}, {}, {}, {}, unready), undefined],
    ['when it is the only one', controlPlanes({}), undefined],
    ['when it is itself what is not Ready', controlPlanes(unready, {}, {}), undefined],
    [
      'not out of two',
      controlPlanes({}, {}),
      'etcd has two members, and neither can go without losing quorum: add or remove one, or set upgrade.twoMembers: allow',
    ],
    [
      'not out of three, one of which is not Ready',
      controlPlanes({}, {}, unready),
      'etcd would keep 1 healthy members of 3, and needs 2',
    ],
    [
      'not out of four, one of which is not Ready',
      controlPlanes({}, {}, {}, unready),
      'etcd would keep 2 healthy members of 4, and needs 3',
    ],
    ['not when another is silent', controlPlanes({}, { talos: 'silent' }, {}), 'cp-2 does not tell of its etcd member'],
  ])('%s', (_, nodes, obstacle) => {
    expect(quorumObstacle(nodes, 'cp-1')).toBe(obstacle)
  })

  test('not when the others are members that nobody configured, for nobody can tell how they are', () => {
    const members = ['cp-1', 'cp-8', 'cp-9']
    expect(quorumObstacle([controlPlane('cp-1', members)], 'cp-1')).toBe(
      'etcd would keep 0 healthy members of 3, and needs 2',
    )
  })
})

test('the leader of etcd is who says so itself', () => {
  const nodes = [...three(), worker('w-1'), controlPlane('cp-4', ['cp-4'], { etcd: 'silent' })]
  expect(nodes.filter(leadsEtcd).map(({ name }) => name)).toEqual(['cp-1'])
})

describe('what a release means for the way back', () => {
  const brings = (left: string) =>
    `v1.14.1 brings etcd 3.7: going back is possible until the last control plane runs it (${left} etcd 3.6)`
  test.each<[string, readonly string[], string | undefined]>([
    ['all have the older etcd', ['v1.13.9', 'v1.13.9', 'v1.13.9'], brings('3 of 3 still have')],
    ['the last has it', ['v1.14.1', 'v1.14.0', 'v1.13.9'], brings('1 of 3 still has')],
    ['one of no official release has it', ['v1.14.1', 'v1.14.1', 'v1.13.9-k7.1.9'], brings('1 of 3 still has')],
    ['one of no official release has the newer one', ['v1.14.0-3-gab12cd3', 'v1.14.1'], undefined],
    ['nobody knows what one has', ['nightly', 'v1.14.1'], undefined],
  ])('%s', (_, versions, expected) => {
    const nodes = controlPlanes(...versions.map((version) => ({ talos: { version } })))
    expect(etcdBarrier({ nodes }, 'v1.14.1')).toBe(expected)
  })
})
