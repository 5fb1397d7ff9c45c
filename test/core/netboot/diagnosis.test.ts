import { expect, test } from 'vitest'
import type { BootEvent } from '../../../src/core/netboot/dhcp-event.ts'
import { type BootAlertKind, diagnose, planBootAlerts, rateOf } from '../../../src/core/netboot/diagnosis.ts'
import {
  aborts,
  asks,
  asksForConfiguration,
  at,
  ends,
  leftAlone,
  probes,
  starts,
  startsSystem,
  takes,
  triesOf,
} from './seen.ts'

interface Said {
  readonly name: string
  readonly events: readonly BootEvent[]
  readonly text: RegExp
  readonly next?: RegExp
}

test.each<Said>([
  { name: 'asks once', events: [asks(0)], text: /^was offered metal-amd64-uki\.efi$/ },
  {
    name: 'asks again and again',
    events: [asks(0), asks(4), asks(12)],
    text: /^asked 3 times and took no offer$/,
    next: /port-4011.*netboot recipe/,
  },
  { name: 'is left alone', events: [leftAlone(0)], text: /^asked for a boot and was left alone: it is installed$/ },
  {
    name: 'takes the offer and stops',
    events: [asks(0), takes(4)],
    text: /^took the offer and asked for no file$/,
    next: /UDP port 69/,
  },
  {
    name: 'takes the offer of another server',
    events: [asks(0, { isServedHere: false }), takes(4)],
    text: /^took the offer; its transfer is not seen from here$/,
  },
  {
    name: 'stops after its probe',
    events: [asks(0), takes(4), probes(5)],
    text: /^asked for the size of metal-amd64-uki\.efi and did not read it$/,
  },
  {
    name: 'stops in the middle',
    events: [asks(0), takes(4), starts(5), aborts(9)],
    text: /^has loaded 40 % of the image: it stopped answering in the middle of the file$/,
  },
  { name: 'loads all', events: [starts(5), ends(9)], text: /^has loaded metal-amd64-uki\.efi$/ },
  { name: 'starts its system', events: [starts(5), ends(9), startsSystem(20)], text: /started its system/ },
  {
    name: 'asks for its configuration',
    events: [starts(5), ends(9), asksForConfiguration(20)],
    text: /^has asked for its configuration and waits for it$/,
  },
  {
    name: 'got its configuration',
    events: [starts(5), ends(9), asksForConfiguration(20), asksForConfiguration(90, 'delivered')],
    text: /^has got its configuration$/,
  },
  {
    name: 'got no configuration',
    events: [starts(5), ends(9), asksForConfiguration(20, 'refused')],
    text: /^asked for its configuration and was refused$/,
  },
])('a machine that $name', ({ events, text, next }) => {
  const said = diagnose(triesOf(events)[0]!)
  expect(said.text).toMatch(text)
  expect(said.next ?? 'nothing').toMatch(next ?? /^nothing$/)
})

test('its rate is that of the whole transfer', () => {
  expect(rateOf(triesOf([starts(5), ends(9)])[0]!)).toBe(50_000)
  expect(rateOf(triesOf([asks(0)])[0]!)).toBeUndefined()
})

interface Alerted {
  readonly name: string
  readonly events: readonly BootEvent[]
  /** In seconds after noon. */
  readonly now: number
  readonly isAlways?: boolean
  readonly is: Partial<Record<BootAlertKind, RegExp>>
}

const whole = (from: number) => [asks(from), takes(from + 4), starts(from + 5), ends(from + 9)]
const halted = (from: number) => [asks(from), takes(from + 4), starts(from + 5), aborts(from + 9)]

test.each<Alerted>([
  { name: 'boots twice in an hour', events: [...whole(0), ...whole(900)], now: 1_000, is: {} },
  {
    name: 'boots three times in an hour',
    events: [...whole(0), ...whole(900), ...whole(1_800)],
    now: 1_900,
    is: { 'netboot.loop': /^w-1 has booted from the network at least 3 times within an hour$/ },
  },
  {
    name: 'has booted three times, an hour ago',
    events: [...whole(0), ...whole(900), ...whole(1_800)],
    now: 6_000,
    is: {},
  },
  {
    name: 'asks for its configuration three times in an hour, and did not boot from the network',
    events: [0, 900, 1_800].flatMap((from) => [leftAlone(from), asksForConfiguration(from + 30)]),
    now: 1_900,
    is: {},
  },
  { name: 'stops once', events: halted(0), now: 300, is: {} },
  {
    name: 'stops twice at the same place',
    events: [...halted(0), ...halted(300)],
    now: 500,
    is: { 'netboot.stopped': /twice in a row: it has loaded 40 %/ },
  },
  { name: 'may still go on the second time', events: [...halted(0), ...halted(300)], now: 320, is: {} },
  { name: 'stops at two places', events: [...halted(0), asks(300), takes(304)], now: 500, is: {} },
  { name: 'comes through at last', events: [...halted(0), ...halted(300), ...whole(600)], now: 900, is: {} },
  { name: 'has stopped twice, two days ago', events: [...halted(0), ...halted(300)], now: 200_000, is: {} },
  { name: 'is left alone again and again', events: [leftAlone(0), leftAlone(300)], now: 500, is: {} },
  {
    name: 'takes no offer twice',
    events: [asks(0), asks(4), asks(12), asks(300), asks(304), asks(312)],
    now: 500,
    is: { 'netboot.stopped': /asked 3 times and took no offer/ },
  },
  {
    name: 'loads from elsewhere, which is not seen',
    events: [asks(0, { isServedHere: false }), takes(4), asks(300, { isServedHere: false }), takes(304)],
    now: 500,
    is: {},
  },
  {
    name: 'meets a new image',
    events: [probes(0, 90_000), starts(1), aborts(2, { reason: 'changed' })],
    now: 10,
    is: { 'netboot.changed': /was replaced while w-1 was loading it/ },
  },
  {
    name: 'has loaded the new image after all',
    events: [probes(0, 90_000), starts(1), aborts(2, { reason: 'changed' }), starts(9), ends(12)],
    now: 20,
    is: {},
  },
])('of a machine that $name people are told what is to be told', ({ events, now, isAlways = false, is }) => {
  const planned = planBootAlerts([{ name: 'w-1', boots: triesOf(events), isAlways }], Date.parse(at(now)))
  const texts = Object.fromEntries(
    Object.entries(planned).flatMap(([kind, all]) => [...all].map(([name, { text }]) => [kind, [name, text]])),
  )
  const wanted = Object.fromEntries(
    Object.entries(is).map(([kind, text]) => [kind, ['w-1', expect.stringMatching(text)]]),
  )
  expect(texts).toEqual(wanted)
})

test('a machine that always boots from the network is not told to be taken out of it', () => {
  const boots = triesOf([...whole(0), ...whole(900), ...whole(1_800)])
  const action = (isAlways: boolean) =>
    planBootAlerts([{ name: 'w-1', boots, isAlways }], Date.parse(at(1_900)))['netboot.loop'].get('w-1')!.action
  expect(action(false)).toContain('boot: never')
  expect(action(true)).not.toContain('never')
})
