import { expect, test } from 'vitest'
import { readBoots } from '../../../src/core/metrics/boot-metrics.ts'
import type { BootTry, NetbootMachine } from '../../../src/core/netboot/requests.ts'
import { asks, at, ends, mac, progresses, starts, takes, triesOf } from '../netboot/seen.ts'
import { factsOf, valuesOf } from './facts.ts'

const last = (events: Parameters<typeof triesOf>[0]): BootTry => ({ ...triesOf(events)[0]!, said: '' })
const one = (machine: string, more: Partial<NetbootMachine> = {}): NetbootMachine => ({
  machine,
  isKnown: true,
  boots: true,
  why: '',
  ...more,
})
const seconds = (after: number) => Date.parse(at(after)) / 1_000

test('machines of the configuration have series of their own, strangers are only counted', () => {
  const loading = last([asks(0), takes(4), starts(5), progresses(6, 50_000)])
  const loaded = last([asks(0), takes(4), starts(5), ends(7)])
  const boots = [
    one('w-1', { last: loading }),
    one('w-2', { last: loaded, boots: false }),
    one('w-3'),
    one(mac, { isKnown: false, last: loaded }),
  ]
  const samples = readBoots(factsOf({ boots }))
  const values = (name: string) => valuesOf(samples, `caretaker_boot_${name}`)
  expect(values('info')).toEqual({ 'w-1 loading': 1, 'w-2 loaded': 1 })
  expect(values('wanted')).toEqual({ 'w-1': 1, 'w-2': 0, 'w-3': 1 })
  expect(values('arrived_bytes')).toEqual({ 'w-1': 50_000, 'w-2': 100_000 })
  expect(values('image_bytes')).toEqual({ 'w-1': 100_000, 'w-2': 100_000 })
  expect(values('load_seconds')).toEqual({ 'w-2': 2 })
  expect(values('start_timestamp_seconds')).toEqual({ 'w-1': seconds(0), 'w-2': seconds(0) })
  expect(values('last_heard_timestamp_seconds')).toEqual({ 'w-1': seconds(6), 'w-2': seconds(7) })
  expect(values('machines')).toMatchObject({ loading: 1, loaded: 2, asked: 0, running: 0 })
})

test('where no machine boots from the network nothing is shown of it', () => {
  expect(readBoots(factsOf())).toEqual([])
})
