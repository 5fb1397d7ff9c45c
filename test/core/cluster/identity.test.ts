import { describe, expect, test } from 'vitest'
import { type KubernetesFacts, observed, type TalosFacts, notObserved } from '../../../src/core/cluster/cluster.ts'
import { demandMachine, identify, whyAnotherMachine } from '../../../src/core/cluster/identity.ts'
import { worker } from './nodes.ts'

const one = '1'.repeat(32)
const two = '2'.repeat(32)

const talos = (changes: Partial<TalosFacts> = {}) => worker('x', { talos: { machineId: one, ...changes } }).talos
const objects = (all: Readonly<Record<string, Partial<KubernetesFacts>>>) =>
  observed(
    new Map(
      Object.entries(all).map(([name, kubernetes]) => {
        const node = worker(name, { kubernetes }).kubernetes
        return [name, node.ok ? node.value : (undefined as never)]
      }),
    ),
  )

describe('w-1, in Talos and in Kubernetes', () => {
  test.each<{
    name: string
    talos?: ReturnType<typeof talos>
    objects: Readonly<Record<string, Partial<KubernetesFacts>>>
    identity: object
  }>([
    { name: 'is one machine', objects: { 'w-1': { machineId: one } }, identity: { kind: 'same' } },
    {
      name: 'is one machine without a disk, once the kubelet has reported its id of this boot',
      talos: talos({ onDisk: false }),
      objects: { 'w-1': { machineId: one } },
      identity: { kind: 'same' },
    },
    {
      name: 'is one machine whose kubelet has reported this boot',
      talos: talos({ bootId: 'b-2' }),
      objects: { 'w-1': { machineId: one, bootId: 'b-2' } },
      identity: { kind: 'same' },
    },
    {
      name: 'is one machine whose kubelet is late: its report is of the boot before',
      talos: talos({ bootId: 'b-2' }),
      objects: { 'w-1': { machineId: one, bootId: 'b-1' } },
      identity: { kind: 'late' },
    },
    {
      name: "is not late where Talos does not tell the kernel's boot id",
      talos: talos({ bootId: 'booted-at-1772850000' }),
      objects: { 'w-1': { machineId: one, bootId: 'b-1' } },
      identity: { kind: 'same' },
    },
    {
      name: 'is late where it has no disk to keep its machine id on, and a new one at each boot',
      talos: talos({ onDisk: false }),
      objects: { 'w-1': { machineId: two } },
      identity: { kind: 'late' },
    },
    {
      name: 'is another machine without a disk as well, where Kubernetes knows it by another name',
      talos: talos({ onDisk: false }),
      objects: { 'w-1': { machineId: two }, 'w-2': { machineId: one } },
      identity: { kind: 'another', as: 'w-2', machineId: one },
    },
    {
      name: 'is another machine, which Kubernetes knows: the addresses are swapped',
      objects: { 'w-1': { machineId: two }, 'w-2': { machineId: one } },
      identity: { kind: 'another', as: 'w-2', machineId: one },
    },
    {
      name: 'is another machine, which Kubernetes does not know',
      objects: { 'w-1': { machineId: two } },
      identity: { kind: 'another', as: undefined, machineId: one },
    },
    {
      name: 'is registered under another name, and its old object is gone',
      objects: { 'talos-x7f': { machineId: one } },
      identity: { kind: 'renamed', as: 'talos-x7f' },
    },
    {
      name: 'is registered under another name, and its old object stays without a heartbeat',
      objects: { 'w-1': { machineId: one, ready: false }, 'talos-x7f': { machineId: one } },
      identity: { kind: 'renamed', as: 'talos-x7f' },
    },
    {
      name: 'is registered under another name by its own word, although that is not Ready yet',
      talos: talos({ nodename: 'talos-x7f' }),
      objects: { 'w-1': { machineId: one }, 'talos-x7f': { machineId: one, ready: false } },
      identity: { kind: 'renamed', as: 'talos-x7f' },
    },
    {
      name: 'is registered under another name by its own word, without a machine id',
      talos: talos({ machineId: undefined, nodename: 'talos-x7f' }),
      objects: { 'w-1': { ready: false }, 'talos-x7f': {} },
      identity: { kind: 'renamed', as: 'talos-x7f' },
    },
    {
      name: 'is itself again, although an object of another name is left of earlier',
      talos: talos({ nodename: 'w-1' }),
      objects: { 'w-1': { machineId: one }, 'talos-x7f': { machineId: one, ready: false } },
      identity: { kind: 'same' },
    },
    {
      name: 'is one of two copies of a disk: nobody can tell which is which',
      objects: { 'w-1': { machineId: one }, 'w-2': { machineId: one } },
      identity: { kind: 'another', as: 'w-2' },
    },
    {
      name: 'is not known where the kubelet tells no machine id',
      objects: { 'w-1': {} },
      identity: { kind: 'unknown' },
    },
    {
      name: 'is itself while neither it nor what is left of an earlier name is Ready',
      objects: { 'w-1': { machineId: one, ready: false }, 'talos-x7f': { machineId: one, ready: false } },
      identity: { kind: 'same' },
    },
    {
      name: 'is a copy where it goes by its own name, is not Ready, and another one of the same disk is',
      talos: talos({ nodename: 'w-1' }),
      objects: { 'w-1': { machineId: one, ready: false }, 'w-2': { machineId: one } },
      identity: { kind: 'another', as: 'w-2' },
    },
    {
      name: 'is not known without a machine id where it goes by its own name',
      talos: talos({ machineId: undefined, nodename: 'w-1' }),
      objects: { 'w-1': {} },
      identity: { kind: 'unknown' },
    },
    {
      name: 'is not known without a machine id where it goes by a name that nobody registered',
      talos: talos({ machineId: undefined, nodename: 'talos-x7f' }),
      objects: { 'w-1': {} },
      identity: { kind: 'unknown' },
    },
    { name: 'is not known where Kubernetes has no such node', objects: { 'w-2': {} }, identity: { kind: 'unknown' } },
    {
      name: 'is not known where Talos tells no machine id',
      talos: talos({ machineId: undefined }),
      objects: { 'w-1': { machineId: one } },
      identity: { kind: 'unknown' },
    },
  ])('$name', ({ talos: facts = talos(), objects: given, identity }) => {
    expect(identify('w-1', facts, objects(given))).toMatchObject(identity)
  })

  test('goes by the name that the machine gives itself while Kubernetes is silent', () => {
    expect(identify('w-1', talos({ nodename: 'w-2' }), notObserved('refused'))).toMatchObject({
      kind: 'another',
      as: 'w-2',
    })
  })

  test('is not known where one of them is silent', () => {
    expect(identify('w-1', notObserved('no route'), objects({}))).toEqual({ kind: 'unknown' })
    expect(identify('w-1', talos(), notObserved('refused'))).toEqual({ kind: 'unknown' })
    const alone = (changes: Partial<TalosFacts>) => identify('w-1', talos(changes), notObserved('refused'))
    expect(alone({ nodename: undefined })).toEqual({ kind: 'unknown' })
    expect(alone({ nodename: 'w-1' })).toEqual({ kind: 'unknown' })
    expect(alone({ nodename: 'w-2', machineId: undefined })).toEqual({ kind: 'unknown' })
  })
})

test('a machine is the one that is meant by its id and its role, as far as both are known', () => {
  expect(whyAnotherMachine({ machineId: one, machineType: 'worker' }, { machineId: one, role: 'worker' })).toBe(
    undefined,
  )
  expect(whyAnotherMachine({ machineId: undefined, machineType: undefined }, { machineId: one, role: 'worker' })).toBe(
    undefined,
  )
  expect(whyAnotherMachine({ machineId: two, machineType: 'worker' }, { machineId: one, role: 'worker' })).toContain(
    `its machine id is ${two}, not ${one}`,
  )
  expect(whyAnotherMachine({ machineId: one, machineType: 'controlplane' }, { machineId: one, role: 'worker' })).toBe(
    'it runs as a controlplane, not as a worker',
  )
  expect(whyAnotherMachine({ machineId: one, machineType: 'worker' }, { role: 'worker' })).toBe(undefined)
})

test('an order goes to the machine that is meant, and to no other', () => {
  const meant = { machineId: one, role: 'worker' } as const
  expect(() => demandMachine('w-1', { machineId: one, machineType: 'worker' }, meant)).not.toThrow()
  expect(() => demandMachine('w-1', { machineId: two, machineType: 'worker' }, meant)).toThrow(
    expect.objectContaining({
      code: 'not-now',
      message: `w-1 is left alone: another machine answers at its address: its machine id is ${two}, not ${one}`,
    }),
  )
})
