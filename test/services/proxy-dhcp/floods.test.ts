import { expect, test } from 'vitest'
import type { Meter } from '../../../src/core/metrics/meter.ts'
import { remembered } from '../../../src/operations/facts.ts'
import { createGate } from '../../../src/services/proxy-dhcp/limits.ts'
import { valuesOf } from '../../core/metrics/facts.ts'
import { discover, withOptions } from '../../core/netboot/dhcp/messages.ts'
import { openProxy } from './loopback.ts'

const controlPlane = '{ name: cp-1, role: controlplane, address: 192.168.0.2 }'
const node = `nodes: [${controlPlane}, { name: w-1, role: worker, address: 192.168.0.21, mac: '52:54:00:12:34:56' }]`
const counted = ({ meter }: { readonly meter: Meter }, name: string) => valuesOf(meter.read(), `caretaker_boot_${name}`)
const system = (chaddr = discover().chaddr) => withOptions({ classId: 'talos' }, { chaddr })
/** The card of nobody. */
const made = (card: number) => Uint8Array.of(2, 0, 0, 0, 0, card)

test('a flood of made-up cards keeps no known machine from its boot', async () => {
  const never = { rate: 0, burst: 3 }
  await using at = await openProxy({ config: node, limits: { strangers: never } })
  for (let card = 0; card < 40; card += 1)
    await at.broadcast(withOptions({ machineId: undefined }, { chaddr: made(card) }))
  await at.broadcast(discover())
  await expect.poll(() => at.seen).toHaveLength(4)
  expect(at.seen.at(-1)).toMatchObject({ machine: { mac: '52:54:00:12:34:56' } })
  expect(counted(at, 'requests_dropped_total')).toEqual({ dhcp: 37 })
  expect(counted(at, 'requests_total')).toEqual({ 'pxe offered': 4 })
})

test('nor do operating systems of made-up cards, of which no more is told than of firmware', async () => {
  await using at = await openProxy({ config: node, limits: { strangers: { rate: 0, burst: 3 } } })
  for (let card = 0; card < 40; card += 1) await at.broadcast(system(made(card)))
  await at.broadcast(system())
  await expect.poll(() => at.seen).toHaveLength(4)
})

test('a flood is passed over before anything of it is looked up', async () => {
  await using at = await openProxy({ config: node, limits: { strangers: { rate: 0, burst: 0 } } })
  await at.settled(discover())
  const before = at.lookUps()
  for (let card = 0; card < 40; card += 1)
    await at.broadcast(withOptions({ machineId: undefined }, { chaddr: made(card) }))
  await expect.poll(() => counted(at, 'requests_dropped_total')).toEqual({ dhcp: 40 })
  // What a person may have asked for since is read once a second.
  expect(at.lookUps() - before).toBeLessThan(5)
})

test('a node that is known by its UUID keeps its boot in a flood, once it was heard', async () => {
  const unnamed = `nodes: [${controlPlane}, { name: w-1, role: worker, address: 192.168.0.21 }]`
  await using at = await openProxy({ config: unnamed, limits: { strangers: { rate: 0, burst: 2 } } })
  remembered.netbootInstalled.remember(at.journal, { 'w-1': { uuid: '564d0000-0000-4000-8000-525400123456' } })
  await at.settled(discover())
  for (let card = 0; card < 10; card += 1)
    await at.broadcast(withOptions({ machineId: undefined }, { chaddr: made(card) }))
  await at.broadcast(discover())
  await expect.poll(() => at.seen).toHaveLength(3)
  expect(at.seen.at(-1)).toMatchObject({ why: 'it is installed', machine: { mac: '52:54:00:12:34:56' } })
})

test('one card that asks without end is answered as firmware would be', () => {
  let now = 0
  const gate = createGate(
    { each: { rate: 2, burst: 4 }, strangers: { rate: 1_000, burst: 1_000 }, cards: 3 },
    () => now,
  )
  const asks = (mac: string, count: number) =>
    Array.from({ length: count }, () => gate.admits(mac, true)).filter(Boolean).length
  expect(asks('a', 100)).toBe(4)
  expect(asks('b', 2)).toBe(2)
  now += 1_000
  expect(asks('a', 100)).toBe(2)
  // Of more cards than are remembered the one that was heard first is forgotten.
  for (const mac of ['c', 'd', 'e']) asks(mac, 1)
  expect(asks('a', 100)).toBe(4)
})
