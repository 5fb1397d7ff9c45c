import { expect, test } from 'vitest'
import { remembered } from '../../../src/operations/facts.ts'
import { clusterOf, worker } from '../../core/cluster/nodes.ts'
import {
  aborts,
  address,
  asks,
  asksForConfiguration,
  at,
  ends,
  leftAlone,
  mac,
  probes,
  progresses,
  starts,
  startsSystem,
  takes,
  uuid,
} from '../../core/netboot/seen.ts'
import { card, open, whole } from './kept.ts'

test('DHCP knows the card and TFTP the address, and both are one machine', () => {
  const it = open()
  it.sees([asks(0), takes(4), probes(5), starts(5), progresses(6, 50_000)])
  expect(it.tries()).toMatchObject([{ machine: mac, address, phase: 'loading', arrived: 50_000 }])
})

test('a machine that the router sent is known by its card, where the kernel knows it', () => {
  const it = open()
  const event = starts(0)
  if (event.type !== 'boot.started') throw new Error('it starts')
  it.sees([{ ...event, transfer: { ...event.transfer, mac } }])
  expect(it.tries()).toMatchObject([{ machine: mac, mac, phase: 'loading' }])
})

test('what we read back from our own server is no boot', () => {
  const it = open()
  const event = starts(0)
  if (event.type !== 'boot.started') throw new Error('it starts')
  it.sees([{ ...event, transfer: { ...event.transfer, client: '192.168.0.10' } }])
  expect(it.tries()).toEqual([])
})

test('a boot that came through is in the journal, with its rate', () => {
  const it = open('{}', card)
  it.sees(whole(0))
  expect(it.journal.entries(1)).toMatchObject([
    {
      kind: 'event',
      subject: 'w-1',
      text: 'w-1 has booted from the network: metal-amd64-uki.efi, 0.1 MB in 2 s (50000 bytes/s)',
    },
  ])
})

test('what was wanted once is done when the image was loaded, and not before', () => {
  const it = open('{}', card)
  remembered.netbootInstalled.remember(it.journal, { 'w-1': {} })
  remembered.netbootArmed.remember(it.journal, { 'w-1': { at: at(0), by: 'admin', until: at(10_000) } })
  it.sees([asks(0), takes(4), probes(5), starts(5), aborts(7), asks(60), takes(64), starts(65)])
  expect(it.standing()).toMatchObject({ boots: true, isArmed: true })
  it.sees([ends(70)])
  expect(it.standing()).toMatchObject({ boots: false, why: 'it is installed' })
})

test('what was wanted once is over when nobody has come for it in time, and an installed machine is left alone again', () => {
  const it = open('{}', card)
  remembered.netbootInstalled.remember(it.journal, { 'w-1': {} })
  remembered.netbootArmed.remember(it.journal, { 'w-1': { at: at(0), by: 'admin', until: at(100) } })
  it.passes(99)
  expect(it.standing()).toMatchObject({ boots: true, isArmed: true })
  it.passes(100)
  expect(it.standing()).toMatchObject({ boots: false, isArmed: false, why: 'it is installed' })
})

test('a machine that came once because a person wanted it has booted, should it be to boot once from then on', () => {
  const it = open('{}', card)
  remembered.netbootArmed.remember(it.journal, { 'w-1': { at: at(0), by: 'admin', until: at(10_000) } })
  it.sees(whole(0))
  expect(it.standing()).toMatchObject({ isArmed: false, hasBooted: true })
})

test('a machine that boots once has booted, also over a restart of the daemon', () => {
  const it = open('{ machines: [{ machine: w-1, boot: once }] }', card)
  expect(it.standing()).toMatchObject({ boots: true })
  it.sees(whole(0))
  it.restart()
  expect(it.standing()).toMatchObject({ boots: false, why: 'it has booted from the network once' })
})

test('where another server has the files, the system that starts shows that it came through', () => {
  const it = open('{ machines: [{ machine: w-1, boot: once }] }', card)
  it.sees([asks(0, { isServedHere: false }), takes(4)])
  expect(it.standing()).toMatchObject({ boots: true })
  it.sees([startsSystem(30)])
  expect(it.standing()).toMatchObject({ boots: false })
})

test('Talos that asks for its configuration is known by its UUID, for its first card may be another', () => {
  const it = open('{}', card)
  const asked = asks(0)
  const configuration = asksForConfiguration(40)
  if (asked.type !== 'boot.asked' || configuration.type !== 'boot.configuration') throw new Error('it asks')
  const other = { client: '192.168.0.112', mac: '52:54:00:99:99:99' }
  it.sees([{ ...asked, machine: { ...asked.machine, uuid } }, ...whole(1).slice(1)])
  it.sees([{ ...configuration, machine: { ...other, uuid } }])
  expect(it.tries()).toMatchObject([{ machine: mac, phase: 'configuring', address: other.client }])
  it.sees([{ ...configuration, at: at(50), machine: { ...other, client: '192.168.0.113', uuid: 'another' } }])
  expect(it.tries()).toMatchObject([{ machine: mac }, { machine: '192.168.0.113', phase: 'configuring' }])
})

test('where two boards share a UUID, Talos that asks for its configuration is known by its card', () => {
  const it = open()
  const asked = asks(0)
  const configuration = asksForConfiguration(40)
  if (asked.type !== 'boot.asked' || configuration.type !== 'boot.configuration') throw new Error('it asks')
  const other = '52:54:00:99:99:99'
  for (const one of [mac, other]) it.sees([{ ...asked, machine: { ...asked.machine, mac: one, uuid } }])
  it.sees([{ ...configuration, machine: { client: '192.168.0.112', mac: other, uuid } }])
  expect(it.tries()).toMatchObject([
    { machine: mac, phase: 'offered' },
    { machine: other, phase: 'configuring' },
    { machine: other, phase: 'offered' },
  ])
})

test('a machine whose start nobody saw asks for its configuration, and has not booted from the network for that', () => {
  const it = open('{ machines: [{ machine: w-1, boot: once }] }', card)
  it.sees([asksForConfiguration(0)])
  expect(it.standing()).toMatchObject({ boots: true })
  expect(it.journal.entries(10)).toEqual([])
})

test('a node that runs is installed from then on, and one that has just booted has come through', () => {
  const it = open('{}', card)
  it.sees([...whole(0), startsSystem(20)])
  it.passes(60)
  const running = worker('w-1')
  it.keeper.noteCluster(clusterOf(running))
  expect(it.tries()).toMatchObject([{ phase: 'running' }])
  expect(it.standing()).toMatchObject({ isInstalled: true, boots: false })
})

test('a node without a disk is never taken for installed', () => {
  const it = open('{ machines: [{ machine: w-1, boot: always }] }', card)
  it.keeper.noteCluster(clusterOf(worker('w-1')))
  expect(it.standing()).toMatchObject({ isInstalled: false, boots: true })
})

test.each(['once', 'never'] as const)('a node with a disk that is to boot %s is installed once it runs', (boot) => {
  const it = open(`{ machines: [{ machine: w-1, boot: ${boot} }] }`, card)
  it.keeper.noteCluster(clusterOf(worker('w-1')))
  expect(it.standing()).toMatchObject({ isInstalled: true })
})

test('a node that is configured without a disk, or tells that it has none, is never taken for installed', () => {
  const configured = open('{}\nimages: [{ name: disks }, { name: w-1, diskless: true, nodes: [w-1] }]', card)
  remembered.netbootInstalled.remember(configured.journal, { 'w-1': {} })
  configured.keeper.noteCluster(clusterOf(worker('w-1')))
  expect(configured.standing()).toMatchObject({ isInstalled: false, boots: true })
  const told = open('{}', card)
  told.keeper.noteCluster(clusterOf(worker('w-1', { talos: { onDisk: false } })))
  expect(told.standing()).toMatchObject({ isInstalled: false, boots: true })
})

test('a node that only answers while it starts is not installed yet', () => {
  const it = open('{}', card)
  const node = worker('w-1')
  if (!node.talos.ok) throw new Error('it answers')
  it.keeper.noteCluster(clusterOf({ ...node, talos: { ok: true, value: { ...node.talos.value, stage: 'booting' } } }))
  expect(it.standing()).toMatchObject({ isInstalled: false })
})

test('a node that left the configuration is forgotten', () => {
  const it = open('{}', card)
  remembered.netbootInstalled.remember(it.journal, { old: {}, 'w-1': {} })
  it.keeper.noteCluster(clusterOf())
  expect(remembered.netbootInstalled.recall(it.journal)).toEqual({ 'w-1': {} })
})

test('a machine that stops twice at the same place is an alert, once it has fallen silent, until it comes through', () => {
  const it = open('{}', card)
  it.sees([asks(0), takes(4), starts(5), aborts(9), asks(200), takes(204), starts(205), aborts(209)])
  expect(it.alerts.all).toEqual([])
  it.passes(400)
  expect(it.alerts.all).toMatchObject([{ id: 'netboot.stopped:w-1', subject: 'w-1' }])
  it.sees(whole(500))
  expect(it.alerts.all).toEqual([])
})

test('tries are still known after a restart, and strangers that only asked are not kept', () => {
  const it = open()
  it.sees([leftAlone(0)])
  it.restart()
  expect(it.tries()).toEqual([])
  it.sees(whole(100))
  it.restart()
  expect(it.tries()).toMatchObject([{ machine: mac, phase: 'loaded' }])
})

test('so many tries of one machine are kept, the newest', () => {
  const it = open()
  for (let round = 0; round < 30; round += 1) it.sees(whole(round * 1_000))
  expect(it.tries()).toHaveLength(20)
  expect(it.tries()[0]!.startedAt).toBe(at(29_000))
})
