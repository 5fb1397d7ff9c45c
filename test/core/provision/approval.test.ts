import { describe, expect, test } from 'vitest'
import {
  type ApprovalFacts,
  nameFault,
  orderFor,
  whyDoubtful,
  whyImpossible,
} from '../../../src/core/provision/approval.ts'
import type { Approval, Machine, MachineOrder, MachineState } from '../../../src/core/provision/machine.ts'
import { clusterOf, controlPlane, worker } from '../cluster/nodes.ts'

/** What a machine becomes, and why it is not approved. */
const at = '2026-11-27T08:00:00.000Z'
const order: MachineOrder = { name: 'w-2', role: 'worker', labels: {}, patches: [] }
const machine: Machine = { id: 'u-1', state: 'pending', since: at, firstAt: at, claimants: [] }
const approval = (more: Partial<MachineOrder> = {}): Approval => ({
  at,
  until: at,
  by: 'admin',
  code: 'BCDF-GHJK',
  address: '192.168.0.21',
  claim: {},
  order: { ...order, ...more },
})
const facts = (more: Partial<ApprovalFacts> = {}): ApprovalFacts => ({
  order,
  written: undefined,
  evidence: [],
  cluster: clusterOf(controlPlane('cp-1', ['cp-1']), worker('w-1')),
  machine,
  others: [],
  isTaken: false,
  ...more,
})

describe('what it becomes', () => {
  const written = { name: 'w-2', role: 'worker', labels: { gpu: 'nvidia', shelf: 'top' }, patches: ['a.yaml'] } as const
  const before: MachineOrder = { name: 'w-9', role: 'controlplane', labels: { old: 'yes' }, patches: ['old.yaml'] }
  const claim = { uuid: '4c4c4544-0051-3310-8052-b4c04f4e4d31', mac: '52:54:00:12:34:56' }
  const isTaken = () => false
  test.each([
    {
      name: 'is what a person says',
      wanted: { role: 'controlplane' as const, name: 'cp-2', labels: { shelf: 'low' }, patches: [] },
      of: { written, before },
      is: { role: 'controlplane', name: 'cp-2', labels: { gpu: 'nvidia', shelf: 'low' }, patches: [] },
    },
    { name: 'else what is written', wanted: {}, of: { written, before }, is: { ...written } },
    { name: 'else what it was', wanted: {}, of: { written: undefined, before }, is: before },
    {
      name: 'else what can be told',
      wanted: {},
      of: { written: undefined, before: undefined },
      is: { role: undefined, name: 'worker-123456', labels: {}, patches: [] },
    },
  ])('$name', ({ wanted, of, is }) => {
    expect(orderFor(wanted, { ...of, claim, isTaken })).toEqual(is)
  })

  test.each([
    { name: 'by the hostname that it was given', claim: { ...claim, hostname: 'NUC-1.home.arpa' }, is: 'nuc-1' },
    { name: 'not by that of every machine', claim: { ...claim, hostname: 'localhost' }, is: 'controlplane-123456' },
    { name: 'not by one that is none', claim: { ...claim, hostname: '-a' }, is: 'controlplane-123456' },
    { name: 'not by that of another', claim: { ...claim, hostname: 'w-1' }, is: 'controlplane-123456' },
    { name: 'by its UUID where it has no card', claim: { uuid: claim.uuid }, is: 'controlplane-4e4d31' },
  ])('it is called $name', ({ claim: said, is }) => {
    const of = { written: undefined, before: undefined, claim: said, isTaken: (name: string) => name === 'w-1' }
    expect(orderFor({ role: 'controlplane' }, of).name).toBe(is)
  })

  test.each(['a', 'a1', 'a-1', 'x'.repeat(63)])('%s can be a name', (name) => expect(nameFault(name)).toBeUndefined())
  test.each(['', 'A', '-a', 'a-', 'a.b', '00:1b', 'x'.repeat(64)])('%s can not', (name) =>
    expect(nameFault(name)).toMatch(/ is not a name for a node: /),
  )
})

describe('nobody is approved', () => {
  const other = (state: MachineState, more: Partial<Machine> = {}): Machine => ({
    ...machine,
    id: 'u-2',
    state,
    order,
    ...more,
  })
  const isToBe = /^u-2 is to be w-2: /
  test.each<{ name: string; of: Partial<ApprovalFacts>; why: RegExp | undefined }>([
    { name: 'where nothing speaks against it', of: {}, why: undefined },
    { name: 'under a name that is none', of: { order: { ...order, name: 'W_2' } }, why: /is not a name for a node/ },
    {
      name: 'with a label that is none',
      of: { order: { ...order, labels: { 'a b': 'c' } } },
      why: /label a b=c can't be/,
    },
    {
      name: 'with the value of a label that is none',
      of: { order: { ...order, labels: { a: 'b c' } } },
      why: /label a=b c can't be/,
    },
    {
      name: 'under the name of a node that answers',
      of: { order: { ...order, name: 'w-1' } },
      why: /w-1 is a node that/,
    },
    {
      name: 'under the name of a node that is down',
      of: { order: { ...order, name: 'w-1' }, cluster: clusterOf(worker('w-1', { talos: 'silent' })) },
      why: undefined,
    },
    {
      name: 'beside one that is approved as it',
      of: { others: [other('approved', { order: undefined, approval: approval() })] },
      why: isToBe,
    },
    { name: 'beside one that is being sent it', of: { others: [other('delivering')] }, why: isToBe },
    { name: 'beside one that was sent it', of: { others: [other('delivered')] }, why: isToBe },
    { name: 'beside one that is verified as it', of: { others: [other('verified')] }, why: isToBe },
    { name: 'in the place of one that has joined and is gone', of: { others: [other('locked')] }, why: undefined },
    {
      name: 'beside one that becomes another',
      of: { others: [other('delivering', { order: { ...order, name: 'w-3' } })] },
      why: undefined,
    },
    {
      name: 'twice',
      of: { machine: { ...machine, state: 'approved', approval: approval({ name: 'w-7' }) } },
      why: /^it is approved as w-7 by admin: reject it first$/,
    },
    {
      name: 'twice, but where it was begun anew',
      of: { machine: { ...machine, state: 'approved', approval: approval() }, isBegunAnew: true },
      why: undefined,
    },
  ])('$name', ({ of, why = /^nothing$/ }) => {
    expect(whyImpossible(facts(of)) ?? 'nothing').toMatch(why)
  })
})

describe('it is doubtful', () => {
  const second: MachineOrder = { ...order, name: 'cp-2', role: 'controlplane' }
  const down = clusterOf(controlPlane('cp-1', ['cp-1'], { talos: 'silent' }))
  const evidence = [
    { kind: 'for', text: 'it loaded the image' },
    { kind: 'for', text: 'its card is here' },
  ] as const
  test.each<{ name: string; of: Partial<ApprovalFacts>; doubts: readonly RegExp[] }>([
    { name: 'a worker: not', of: {}, doubts: [] },
    {
      name: 'a worker of which nothing is known: not',
      of: { evidence: [{ kind: 'missing', text: 'no boot' }] },
      doubts: [],
    },
    { name: 'before its key was seen', of: { isKeyUnseen: true }, doubts: [/its key was not seen/] },
    {
      name: 'under the name of a node that may be up',
      of: { isTaken: true, cluster: undefined },
      doubts: [/w-2 is a node, and/],
    },
    { name: 'under the name of a node that is seen to be down: not', of: { isTaken: true }, doubts: [] },
    {
      name: 'as another than is written',
      of: { written: { name: 'w-2', role: 'controlplane' } },
      doubts: [/says that it is a controlplane/],
    },
    { name: 'as what is written: not', of: { written: { name: 'w-2', role: 'worker' } }, doubts: [] },
    {
      name: 'a control plane of a whole cluster',
      of: { order: second, evidence },
      doubts: [/is whole with 1 control plane \(cp-1\)/],
    },
    {
      name: 'a control plane of a cluster that has lost one: not',
      of: { order: second, evidence, cluster: down },
      doubts: [],
    },
    {
      name: 'the first control plane: not',
      of: { order: second, evidence, cluster: clusterOf(worker('w-1')) },
      doubts: [],
    },
    {
      name: 'a control plane before its key was seen, as any other',
      of: { order: second, evidence, cluster: down, isKeyUnseen: true },
      doubts: [/its key was not seen/],
    },
    {
      name: 'a control plane where the cluster is not seen',
      of: { order: second, evidence, cluster: undefined },
      doubts: [/it may be whole/],
    },
    {
      name: 'a control plane without evidence',
      of: {
        order: second,
        cluster: down,
        evidence: [evidence[0], { kind: 'missing', text: 'no card' }, { kind: 'odd', text: 'odd one' }],
      },
      doubts: [/^no card$/, /^odd one$/],
    },
  ])('$name', ({ of, doubts }) => {
    const said = whyDoubtful(facts(of))
    expect(said).toHaveLength(doubts.length)
    for (const [index, doubt] of doubts.entries()) expect(said[index]).toMatch(doubt)
  })
})
