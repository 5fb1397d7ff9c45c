import { expect, test } from 'vitest'
import { bootKind } from '../../../src/core/netboot/boots.ts'
import type { BootEvent } from '../../../src/core/netboot/dhcp-event.ts'
import { asks, at, ends, mac, progresses, starts, takes } from '../../core/netboot/seen.ts'
import { card, open, whole } from './kept.ts'

test('thousands of made-up cards push no machine out that has booted, and are forgotten themselves', () => {
  const it = open()
  it.sees(whole(0))
  const strangers = Array.from({ length: 5_000 }, (_, index): BootEvent => {
    const bytes = [2, 0, 0, 0, index >> 8, index & 255].map((byte) => byte.toString(16).padStart(2, '0'))
    return {
      type: 'boot.asked',
      at: at(20),
      machine: { mac: bytes.join(':'), kind: 'pxe', firmware: 'BIOS' },
      why: 'no',
    }
  })
  it.sees(strangers)
  expect(it.keeper.machines.size).toBe(65)
  expect(it.keeper.machines.has(mac)).toBe(true)
  expect(it.journal.records(bootKind).newest(10)).toHaveLength(1)
})

/** A card that nobody knows. */
const made = (index: number) =>
  `02:00:00:00:${Math.floor(index / 256)
    .toString(16)
    .padStart(2, '0')}:${(index % 256).toString(16).padStart(2, '0')}`

/** Two tries of such a card, of which nothing comes. */
function forged(index: number, seconds: number): readonly BootEvent[] {
  const card = { mac: made(index), firmware: 'UEFI x64', architecture: 'amd64' } as const
  return (['pxe', 'http'] as const).map((kind, turn) => asks(seconds + turn, { machine: { ...card, kind } }))
}

const cards = (from: number, count: number, seconds: number) =>
  Array.from({ length: count }, (_, index) => forged(from + index, seconds)).flat()

test('cards that somebody makes up raise no alerts, and those of known machines stay', () => {
  const it = open('{}', card)
  it.sees([asks(0), takes(1), asks(200), takes(201), ...cards(0, 3, 300)])
  it.passes(500)
  expect(it.alerts.all).toHaveLength(4)
  it.sees(cards(3, 60, 501))
  it.passes(700)
  expect(it.alerts.all).toMatchObject([{ id: 'netboot.stopped:w-1' }])
})

test('whoever loads again and again writes over nothing that others did', () => {
  const it = open('{}', card)
  it.sees(whole(0))
  const client = '192.168.0.222'
  const loads = Array.from({ length: 400 }, (_, index) => [starts(100 + index), ends(100 + index)]).flat()
  it.sees(loads.map((event) => ('transfer' in event ? { ...event, transfer: { ...event.transfer, client } } : event)))
  const kept = it.journal.records(bootKind).newest(1_000)
  expect(kept.filter(({ machine }) => machine === client)).toHaveLength(30)
  expect(kept.some(({ machine }) => machine === mac)).toBe(true)
  it.passes(501)
  // And one alert.
  expect(it.journal.entries(1_000).filter(({ text }) => text.startsWith(client))).toHaveLength(31)
})

test('however often a known machine does something, all machines are looked at once a second', () => {
  const it = open('{}', card)
  let reports = 0
  const { reportEach } = it.alerts
  it.alerts.reportEach = (kind, contents) => {
    reports += 1
    reportEach(kind, contents)
  }
  const kinds = ['pxe', 'http'] as const
  const machine = { mac, firmware: 'UEFI x64', architecture: 'amd64' } as const
  it.sees(
    Array.from({ length: 100 }, (_, turn) => asks(turn / 100, { machine: { ...machine, kind: kinds[turn % 2]! } })),
  )
  // Of four kinds of alerts.
  expect(reports).toBe(4)
  it.keeper.lookAgain()
  expect(reports).toBe(4)
  it.passes(1)
  it.keeper.lookAgain()
  expect(reports).toBe(8)
})

test('whoever follows is told what each machine does, its progress too', () => {
  const it = open()
  const heard: string[] = []
  using _ = it.keeper.onChange(({ machine, phase, arrived }) => heard.push(`${machine} ${phase} ${arrived ?? ''}`))
  it.sees([asks(0), takes(4), starts(5), progresses(6, 50_000)])
  expect(heard).toEqual([`${mac} offered `, `${mac} taken `, `${mac} loading 0`, `${mac} loading 50000`])
})

test('what a stranger does waits for the next look at all machines', () => {
  const it = open('{}', `mac: '02:00:00:00:00:77'`)
  it.sees([0, 300, 600].flatMap((from) => whole(from)))
  expect(it.alerts.all).toEqual([])
  it.passes(700)
  expect(it.alerts.all).toMatchObject([{ id: `netboot.loop:${mac}` }])
})

test('after a clock that was a day ahead tries are written down again, and told of as they come', () => {
  const it = open('{}', card)
  const day = 86_400
  it.sees(Array.from({ length: 40 }, (_, turn) => whole(day + 20 * turn)).flat())
  it.passes(day + 900)
  expect(it.alerts.all).toMatchObject([{ id: 'netboot.loop:w-1' }])
  it.passes(0)
  expect(it.alerts.all).toEqual([])
  it.sees(whole(100))
  expect(it.journal.entries(1)[0]?.text).toMatch(/^w-1 has booted from the network/)
})

test('a clock that is set back delays no look at what machines do', () => {
  const it = open('{}', card)
  it.passes(3_600)
  it.sees([0, 20, 40].flatMap(whole))
  expect(it.alerts.all).toMatchObject([{ id: 'netboot.loop:w-1' }])
})
