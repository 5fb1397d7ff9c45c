import { expect, test } from 'vitest'
import { beginOutage, withMachines } from '../../../src/core/power/outage.ts'
import { failedBefore, findRenames, type NamedMachine, renameMachines } from '../../../src/core/power/renames.ts'

const machine = (name: string, rest: Partial<NamedMachine> = {}): NamedMachine => ({
  name,
  address: `10.0.0.${name.length}`,
  macs: [`00:00:00:00:00:${name.slice(-2).padStart(2, '0')}`],
  ...rest,
})
const nas = machine('nas', { address: '10.0.0.6', macs: ['00:1B:21:3A:4F:06'] })

test.each<{ name: string; before: NamedMachine[]; now: NamedMachine[]; renames: Record<string, string> }>([
  {
    name: 'has its card under another name',
    before: [nas],
    now: [{ ...nas, name: 'store', address: '10.0.0.9' }],
    renames: { nas: 'store' },
  },
  {
    name: 'has one of its cards, written otherwise',
    before: [{ ...nas, macs: ['x', ...nas.macs] }],
    now: [{ ...nas, name: 'store', macs: ['00-1b-21-3a-4f-06'] }],
    renames: { nas: 'store' },
  },
  {
    name: 'has no card, and its address',
    before: [{ ...nas, macs: [] }],
    now: [{ ...nas, name: 'store', macs: [] }],
    renames: { nas: 'store' },
  },
  {
    name: 'has another card at its address',
    before: [nas],
    now: [{ ...nas, name: 'store', macs: ['00:1b:21:3a:4f:07'] }],
    renames: {},
  },
  {
    name: 'is gone, and whose card is in a machine that was there before',
    before: [nas, machine('w-1')],
    now: [{ ...machine('w-1'), macs: [...machine('w-1').macs, ...nas.macs] }],
    renames: {},
  },
  {
    name: 'has no card, and another address',
    before: [{ ...nas, macs: [] }],
    now: [{ ...nas, name: 'store', address: '10.0.0.9', macs: [] }],
    renames: {},
  },
  {
    name: 'had a card, and has its address',
    before: [nas],
    now: [{ ...nas, name: 'store', macs: [] }],
    renames: { nas: 'store' },
  },
  {
    name: 'has a card now, and its address',
    before: [{ ...nas, macs: [] }],
    now: [{ ...nas, name: 'store' }],
    renames: { nas: 'store' },
  },
  {
    name: 'has something that is no card, as another one has',
    before: [{ ...nas, macs: ['to be read'] }],
    now: [{ ...nas, name: 'store', address: '10.0.0.9', macs: ['on the label'] }],
    renames: {},
  },
  {
    name: 'has what is no card in other letters',
    before: [{ ...nas, macs: ['Card 7'] }],
    now: [{ ...nas, name: 'store', address: '10.0.0.9', macs: ['card 7'] }],
    renames: { nas: 'store' },
  },
  {
    name: 'has another name, as another machine has',
    before: [nas, machine('w-1')],
    now: [
      { ...nas, name: 'store' },
      { ...machine('w-1'), name: 'worker-1' },
    ],
    renames: { nas: 'store', 'w-1': 'worker-1' },
  },
  { name: 'is still there', before: [nas], now: [nas, { ...nas, name: 'store' }], renames: {} },
  { name: 'is gone', before: [nas], now: [machine('w-1')], renames: {} },
  {
    name: 'may be either of two',
    before: [nas],
    now: [
      { ...nas, name: 'a' },
      { ...nas, name: 'b' },
    ],
    renames: {},
  },
  {
    name: 'and another are one now',
    before: [nas, { ...nas, name: 'old' }],
    now: [{ ...nas, name: 'store' }],
    renames: {},
  },
  {
    name: 'and another have changed names, which changes nothing that we know',
    before: [machine('w-1'), machine('w-2')],
    now: [machine('w-1'), machine('w-2')].toReversed(),
    renames: {},
  },
])('a machine that $name', ({ before, now, renames }) => {
  expect(Object.fromEntries(findRenames(before, now))).toEqual(renames)
})

test('an outage keeps what it knows of a machine, and never mixes it with another one', () => {
  const outage = withMachines(beginOutage(new Date(0), 'low-battery'), ['nas', 'w-1'], new Set(['nas']))
  expect(renameMachines(outage, new Map([['nas', 'store']])).nodes).toEqual({
    store: outage.nodes['nas'],
    'w-1': outage.nodes['w-1'],
  })
  expect(renameMachines(outage, new Map([['nas', 'w-1']]))).toEqual(outage)
})

test.each<{ name: string; labels: string[]; failed?: string[]; known?: string[]; before: Record<string, string> }>([
  { name: 'that had failed is still there', labels: ['a', 'b'], failed: ['a'], before: { a: 'a' } },
  { name: 'that had failed has another label', labels: ['new'], failed: ['a'], before: { new: 'a' } },
  {
    name: 'that had not failed keeps its label',
    labels: ['new', 'b'],
    failed: ['a'],
    known: ['b'],
    before: { new: 'a' },
  },
  { name: 'of two has another label', labels: ['a', 'new'], failed: ['a', 'b'], before: { a: 'a', new: 'b' } },
  { name: 'may be any of two new ones', labels: ['x', 'y'], failed: ['a'], before: { x: 'a', y: 'a' } },
  { name: 'is new, and none is gone', labels: ['a', 'new'], failed: ['a'], before: { a: 'a' } },
  {
    name: 'was heard of before, and is not the one that is gone',
    labels: ['b'],
    failed: ['a'],
    known: ['b'],
    before: {},
  },
  { name: 'may have failed, as in old records', labels: ['a', 'b'], before: { a: 'a', b: 'b' } },
  { name: 'has not failed, nor has any', labels: ['a'], failed: [], before: {} },
])('a UPS $name', ({ labels, failed, known = [], before }) => {
  const found = failedBefore(labels, { failed, isKnown: (label) => known.includes(label) })
  expect(Object.fromEntries(found)).toEqual(before)
})
