import { describe, expect, test } from 'vitest'
import { type Node, observed } from '../../../src/core/cluster/cluster.ts'
import { etcdObstacle, hasEtcdLeader, leadsEtcd, quorumObstacle } from '../../../src/core/cluster/etcd.ts'
import { controlPlane, controlPlanes, idOf, worker } from './nodes.ts'

const member = (name: string, learner = false) => ({ id: idOf(name), name, learner })
const three = (choice = {}) => controlPlanes({}, choice, {})

describe('etcd is whole', () => {
  test.each<{ name: string; nodes: Node[]; obstacle: string | undefined }>([
    { name: 'when three members agree', nodes: three(), obstacle: undefined },
    { name: 'when one member is all there is', nodes: controlPlanes({}), obstacle: undefined },
    { name: 'when a worker is down', nodes: [...three(), worker('w-1', { talos: 'silent' })], obstacle: undefined },
    {
      name: 'not when a control plane is silent',
      nodes: three({ talos: 'silent' }),
      obstacle: 'cp-2 does not report its etcd member',
    },
    {
      name: 'not when a member is silent',
      nodes: three({ etcd: 'silent' }),
      obstacle: 'cp-2 does not report its etcd member',
    },
    {
      name: 'not when a member is ill',
      nodes: three({ etcd: { errors: ['NOSPACE', 'x'] } }),
      obstacle: 'etcd on cp-2 reports NOSPACE, x',
    },
    {
      name: 'not while an alarm is raised, by whichever member',
      nodes: three({ etcd: { alarms: ['NOSPACE on 8e9e05c52164694d'] } }),
      obstacle: 'etcd raises the alarm NOSPACE on 8e9e05c52164694d',
    },
    {
      name: 'when a member is a thousand entries behind',
      nodes: three({ etcd: { raftApplied: 4_000 } }),
      obstacle: undefined,
    },
    {
      name: 'not when a member is further behind',
      nodes: three({ etcd: { raftApplied: 3_999 } }),
      obstacle: 'etcd on cp-2 is 1001 log entries behind',
    },
    {
      name: 'not when a member has not even got the entries that others have carried out',
      nodes: three({ etcd: { raftIndex: 2_000, raftApplied: 2_000 } }),
      obstacle: 'etcd on cp-2 is 3000 log entries behind',
    },
    {
      name: 'not when a member learns',
      nodes: three({ etcd: { learner: true } }),
      obstacle: 'etcd on cp-2 is still a learner',
    },
    {
      name: 'not without a leader',
      nodes: three({ etcd: { leader: undefined } }),
      obstacle: 'etcd on cp-2 has no leader',
    },
    {
      name: 'not with two leaders',
      nodes: three({ etcd: { leader: idOf('cp-2') } }),
      obstacle: 'cp-1 and cp-2 see different etcd leaders',
    },
    {
      name: 'not when they disagree about who belongs to it',
      nodes: three({ etcd: { members: [member('cp-1'), member('cp-2')] } }),
      obstacle: 'cp-1 and cp-2 disagree about the members of etcd',
    },
    {
      name: 'not when somebody unknown learns',
      nodes: controlPlanes({ etcd: { members: [member('cp-1'), member('cp-9', true)] } }),
      obstacle: 'an etcd member is still a learner',
    },
    {
      name: 'not when a member was added and has never started',
      nodes: controlPlanes({ etcd: { members: [member('cp-1'), { ...member('cp-9'), name: '' }] } }),
      obstacle: 'an etcd member has never started',
    },
    { name: 'not without any control plane', nodes: [worker('w-1')], obstacle: 'no control plane is configured' },
  ])('$name', ({ nodes, obstacle }) => {
    expect(etcdObstacle(nodes)).toBe(obstacle)
  })

  test('in whatever order its members are told', () => {
    const members = [member('cp-3'), member('cp-1'), member('cp-2')]
    expect(etcdObstacle(three({ etcd: { members } }))).toBeUndefined()
  })
})

describe('a control plane may go away', () => {
  const off = { talos: 'silent' } as const
  const unready = { kubernetes: { ready: false } }
  const alone = { etcd: { leader: undefined } }
  const late = { etcd: { raftApplied: 3_000 } }
  test.each<{ name: string; nodes: Node[]; leaving?: string[]; twoMembers?: boolean; obstacle?: string }>([
    { name: 'out of three', nodes: controlPlanes({}, {}, {}) },
    { name: 'when it is the only one', nodes: controlPlanes({}) },
    { name: 'out of three, one of which has a kubelet that is ill', nodes: controlPlanes({}, {}, unready) },
    { name: 'when its own kubelet is ill and the two others are well', nodes: controlPlanes(unready, {}, {}) },
    { name: 'out of five, one of which is off', nodes: controlPlanes({}, {}, {}, {}, off) },
    {
      name: 'not when its own kubelet is ill and another is off: its member carries the quorum',
      nodes: controlPlanes(unready, off, {}),
      obstacle: 'etcd would be left with 1 of 3 members healthy, but needs 2',
    },
    {
      name: 'not out of five, two of which are off',
      nodes: controlPlanes({}, {}, {}, off, off),
      obstacle: 'etcd would be left with 2 of 5 members healthy, but needs 3',
    },
    {
      name: 'not out of four, one of which is off',
      nodes: controlPlanes({}, {}, {}, off),
      obstacle: 'etcd would be left with 2 of 4 members healthy, but needs 3',
    },
    {
      name: 'not together with another one of three',
      nodes: controlPlanes({}, {}, {}),
      leaving: ['cp-1', 'cp-3'],
      obstacle: 'etcd would be left with 1 of 3 members healthy, but needs 2',
    },
    {
      name: 'not out of two',
      nodes: controlPlanes({}, {}),
      obstacle:
        'etcd has two members, and neither can go without losing quorum: add or remove one, or set upgrade.twoMembers: allow',
    },
    { name: 'out of two where a person wants it', nodes: controlPlanes({}, {}), twoMembers: true },
    {
      name: 'not when one that stays is far behind',
      nodes: controlPlanes({}, late, {}),
      obstacle: 'etcd would be left with 1 of 3 members healthy, but needs 2',
    },
    {
      name: 'not out of three, one of which is off, although a person lets one of two go',
      nodes: controlPlanes({}, {}, off),
      twoMembers: true,
      obstacle: 'etcd would be left with 1 of 3 members healthy, but needs 2',
    },
    {
      name: 'when one that stays is as far behind as is still up to date',
      nodes: controlPlanes({}, { etcd: { raftApplied: 4_000 } }, {}),
    },
    {
      name: 'as a learner, though the voters are too few already',
      nodes: withLearner(controlPlanes({ etcd: { learner: true } }, {}, off, off), 'cp-1'),
    },
    { name: 'when the quorum is lost already: it may be what makes it whole', nodes: controlPlanes(alone, off, off) },
    { name: 'when it is cut off from the others itself', nodes: controlPlanes(alone, {}, {}) },
    { name: 'when it is off, or tells nothing', nodes: controlPlanes(off, {}, {}) },
    {
      name: 'not when its own etcd tells nothing and the quorum can only stand on it',
      nodes: controlPlanes({ etcd: 'silent' }, off, {}),
      obstacle: 'etcd would be left with 1 of 3 members healthy, but needs 2',
    },
    {
      name: 'not when a learner is all that would make up the number',
      nodes: withLearner(controlPlanes({}, off, {}, { etcd: { learner: true } }), 'cp-4'),
      obstacle: 'etcd would be left with 1 of 3 members healthy, but needs 2',
    },
    {
      name: 'when it is a learner itself: it has no vote',
      nodes: withLearner(controlPlanes({ etcd: { learner: true } }, {}, {}, off), 'cp-1'),
    },
    {
      name: 'as a worker, whatever etcd is like',
      nodes: [...controlPlanes({}, off, {}), worker('w-1')],
      leaving: ['w-1'],
    },
    {
      name: 'not as a worker that holds a member, as one with the wrong role in the configuration does',
      nodes: controlPlanes({}, off, {}).map((node) => (node.name === 'cp-3' ? { ...node, role: 'worker' } : node)),
      leaving: ['cp-3'],
      obstacle: 'etcd would be left with 1 of 3 members healthy, but needs 2',
    },
  ])('$name', ({ nodes, leaving = ['cp-1'], twoMembers = false, obstacle }) => {
    expect(quorumObstacle(nodes, leaving, twoMembers)).toBe(obstacle)
  })

  test('not when the others are members that nobody configured, for nobody can tell how they are', () => {
    const members = ['cp-1', 'cp-8', 'cp-9']
    expect(quorumObstacle([controlPlane('cp-1', members)], ['cp-1'])).toBe(
      'etcd would be left with 0 of 3 members healthy, but needs 2',
    )
  })

  test('not out of two, where nobody says anything about two', () => {
    expect(quorumObstacle(controlPlanes({}, {}), ['cp-1'])).toMatch(/^etcd has two members, and neither can go/)
  })

  test('whatever a member that is cut off remembers of a larger cluster', () => {
    const [now, before] = [
      ['cp-2', 'cp-3', 'cp-4'],
      ['cp-1', 'cp-2', 'cp-3', 'cp-4', 'cp-5', 'cp-6', 'cp-7'],
    ]
    const cutOff = controlPlane('cp-1', before, { etcd: { leader: undefined } })
    const nodes = [cutOff, ...now.map((name) => controlPlane(name, now))]
    expect(quorumObstacle(nodes, ['cp-2'])).toBe(undefined)
  })

  test('not by a member that takes no part any more, which a rollback may make whole', () => {
    const nodes = controlPlanes({ etcd: { leader: undefined } }, { talos: 'silent' }, {})
    expect(quorumObstacle(nodes, ['cp-1'])).toBe(undefined)
  })

  test('by a silent control plane, whose member may have any name', () => {
    const members = ['a', 'b', 'c'].map((name) => member(name))
    const nodes = controlPlanes({ talos: 'silent' }, { talos: 'silent' }, { etcd: { id: idOf('c'), members } })
    expect(quorumObstacle(nodes, ['cp-1'])).toBe('etcd would be left with 1 of 3 members healthy, but needs 2')
  })

  test('by a silent node that is configured as a worker, and is a member by its name', () => {
    const members = ['cp-1', 'cp-2', 'w-1'].map((name) => member(name))
    const nodes = [
      ...controlPlanes({ etcd: { members } }, { talos: 'silent' }),
      worker('w-1', { talos: 'silent' }),
      worker('w-2', { talos: 'silent' }),
    ]
    expect(quorumObstacle(nodes, ['w-1'])).toBe('etcd would be left with 1 of 3 members healthy, but needs 2')
    expect(quorumObstacle(nodes, ['w-2'])).toBe(undefined)
  })

  test('by the id of its member, where that has another name than the node', () => {
    const members = [member('cp-1'), member('cp-2'), member('cp-3')].map((one) => ({ ...one, name: `old-${one.name}` }))
    const nodes = controlPlanes({ etcd: { members } }, { talos: 'silent' }, { etcd: { members } })
    expect(quorumObstacle(nodes, ['cp-1'])).toBe('etcd would be left with 1 of 3 members healthy, but needs 2')
    expect(quorumObstacle(nodes, ['cp-2'])).toBe(undefined)
  })
})

/** The same nodes, in whose views this member learns. */
function withLearner(nodes: Node[], learner: string): Node[] {
  return nodes.map((node) => {
    if (!node.talos.ok || !node.talos.value.etcd?.ok) return node
    const { value } = node.talos.value.etcd
    const members = value.members.map((one) => ({ ...one, learner: one.name === learner }))
    return { ...node, talos: observed({ ...node.talos.value, etcd: observed({ ...value, members }) }) }
  })
}

test('etcd has a leader when any member sees one', () => {
  const [alone, silent] = [{ etcd: { leader: undefined } }, { etcd: 'silent' }] as const
  expect(hasEtcdLeader([...controlPlanes(alone, {}, silent), worker('w-1')])).toBe(true)
  expect(hasEtcdLeader(controlPlanes(alone, alone, silent, { talos: 'silent' }))).toBe(false)
  expect(hasEtcdLeader([])).toBe(false)
})

test('the leader of etcd is who says so itself', () => {
  const nodes = [...three({ talos: 'silent' }), worker('w-1'), controlPlane('cp-4', ['cp-4'], { etcd: 'silent' })]
  expect(nodes.filter(leadsEtcd).map(({ name }) => name)).toEqual(['cp-1'])
})
