import { expect, test } from 'vitest'
import { bootKind, hasReached, type Boot } from '../../../src/core/netboot/boots.ts'
import type { BootEvent } from '../../../src/core/netboot/dhcp-event.ts'
import {
  aborts,
  address,
  asks,
  asksForConfiguration,
  at,
  ends,
  file,
  leftAlone,
  mac,
  probes,
  progresses,
  refused,
  runs,
  starts,
  startsSystem,
  takes,
  triesOf,
  uuid,
} from './seen.ts'

interface Case {
  readonly name: string
  readonly events: readonly BootEvent[]
  /** Newest first. */
  readonly is: readonly Partial<Boot>[]
}

test.each<Case>([
  { name: 'asks', events: [asks(0)], is: [{ machine: mac, phase: 'offered', asked: 1, file }] },
  {
    name: 'asks again and again, which is one try',
    events: [asks(0), asks(4), asks(12), asks(28)],
    is: [{ phase: 'offered', asked: 4, startedAt: at(0), lastAt: at(28) }],
  },
  {
    name: 'is left alone',
    events: [leftAlone(0)],
    is: [{ phase: 'asked', why: 'it is installed', file: undefined }],
  },
  {
    name: 'asks again after it was switched off, which is another try',
    events: [asks(0), asks(300)],
    is: [
      { asked: 1, startedAt: at(300) },
      { asked: 1, startedAt: at(0) },
    ],
  },
  {
    name: 'goes on from PXE to HTTP boot, which is another try',
    events: [asks(0), asks(30, { machine: { mac, kind: 'http', firmware: 'UEFI x64, HTTP boot' } })],
    is: [{ kind: 'http' }, { kind: 'pxe' }],
  },
  {
    name: 'boots: size probe, file, system, Talos',
    events: [asks(0), takes(4), probes(5), starts(5), progresses(6, 50_000), ends(7), startsSystem(20), runs(60)],
    is: [
      {
        phase: 'running',
        address,
        bytes: 100_000,
        arrived: 100_000,
        took: 2_000,
        blockSize: 1_468,
        windowSize: 4,
        trouble: undefined,
      },
    ],
  },
  {
    name: 'asks for its configuration, and again for hours',
    events: [
      asks(0),
      takes(4),
      starts(5),
      ends(7),
      startsSystem(20),
      asksForConfiguration(40),
      asksForConfiguration(5_000),
      asksForConfiguration(10_000, 'delivered'),
      runs(10_060),
    ],
    is: [{ startedAt: at(0), phase: 'running', configuration: 'delivered', file }],
  },
  {
    name: 'asks for its configuration, loaded by another server',
    events: [asks(0, { isServedHere: false }), takes(4), asksForConfiguration(40)],
    is: [{ phase: 'configuring', configuration: 'pending', startedAt: at(0) }],
  },
  {
    name: 'asks for its configuration, and nobody saw it start',
    events: [asksForConfiguration(0)],
    is: [{ machine: address, mac, uuid, phase: 'configuring', asked: 0 }],
  },
  {
    name: 'was left alone and asks for its configuration, which it has from its disk',
    events: [leftAlone(0), asksForConfiguration(30, 'refused')],
    is: [{ phase: 'configuring', configuration: 'refused', startedAt: at(30) }, { phase: 'asked' }],
  },
  {
    name: 'runs and asks for its configuration anew, which is another try',
    events: [starts(0), ends(2), runs(60), asksForConfiguration(400)],
    is: [{ phase: 'configuring' }, { phase: 'running' }],
  },
  {
    name: 'stops in the middle of the file',
    events: [asks(0), takes(4), probes(5), starts(5), aborts(10)],
    is: [{ phase: 'loading', arrived: 40_000, trouble: 'it stopped answering in the middle of the file' }],
  },
  {
    name: 'is reset in the middle of the file, which leaves that try where it stopped',
    events: [asks(0), takes(4), starts(5), progresses(6, 30_000), asks(20)],
    is: [{ phase: 'offered' }, { phase: 'loading', arrived: 30_000 }],
  },
  {
    name: 'finds a larger image than it was told of',
    events: [asks(0), takes(4), probes(5, 90_000), starts(6), aborts(7, { reason: 'changed' })],
    is: [{ hasChanged: true, trouble: expect.stringContaining('was replaced') }],
  },
  {
    name: 'is served another version than it has probed',
    events: [probes(5, 90_000), starts(6)],
    is: [{ hasChanged: true, phase: 'loading' }],
  },
  {
    name: 'asks for what is not there',
    events: [asks(0), takes(4), refused(5)],
    is: [{ phase: 'taken', trouble: `it asked for ${file}, which is not on the share` }],
  },
  {
    name: 'was told by its router where to go: only the transfer is seen',
    events: [probes(0), starts(1), ends(3)],
    is: [{ machine: address, phase: 'loaded', asked: 0, why: 'its DHCP server says so' }],
  },
  {
    name: 'boots twice by its router, in two tries',
    events: [starts(0), ends(2), probes(60), starts(60)],
    is: [{ phase: 'loading', startedAt: at(60) }, { phase: 'loaded' }],
  },
  {
    name: 'loads from another server: its system shows that it came through',
    events: [asks(0, { isServedHere: false }), takes(4), startsSystem(30)],
    is: [{ phase: 'started' }],
  },
  {
    name: 'falls back to its disk: its system shows that it did not come through',
    events: [asks(0), takes(4), startsSystem(30)],
    is: [{ phase: 'taken', trouble: expect.stringContaining('without having loaded') }],
  },
  {
    name: 'gets a part of the file by HTTP, which is not the whole',
    events: [starts(0, { options: undefined }), ends(1, { bytes: 40_000 })],
    is: [{ phase: 'loading', arrived: 40_000 }],
  },
  {
    name: 'says on the way how far it is with a part',
    events: [starts(0, { options: undefined }), progresses(5, 59_000), ends(6, { bytes: 60_000 })],
    is: [{ phase: 'loading', arrived: 60_000 }],
  },
  {
    name: 'goes on where its download broke off',
    events: [
      starts(0, { options: undefined }),
      aborts(10, { reason: 'hung-up' }),
      starts(12, { options: undefined, from: 40_000 }),
      { ...progresses(14, 30_000), from: 40_000 } as BootEvent,
      ends(20, { bytes: 60_000, from: 40_000 }),
    ],
    is: [{ phase: 'loaded', arrived: 100_000, took: 20_000, trouble: undefined }],
  },
  {
    name: 'reads the end of the file alone',
    events: [starts(0, { options: undefined, from: 40_000 }), ends(6, { bytes: 60_000, from: 40_000 })],
    is: [{ phase: 'loading', arrived: 0 }],
  },
  {
    name: 'goes on with another version',
    events: [
      starts(0, { options: undefined }),
      aborts(10, { reason: 'hung-up' }),
      starts(12, { options: undefined, from: 40_000, version: 'b' }),
      ends(20, { bytes: 60_000, from: 40_000 }),
    ],
    is: [{ phase: 'loading', arrived: 0 }],
  },
  {
    name: 'has a warning that comes with its offer',
    events: [asks(0, { warning: 'iPXE drops it' })],
    is: [{ trouble: 'iPXE drops it' }],
  },
])('a machine that $name', ({ events, is }) => {
  expect(triesOf(events)).toMatchObject(is)
})

test.each<{ readonly name: string; readonly events: readonly BootEvent[] }>([
  { name: 'an operating system that was not started from here', events: [startsSystem(0)] },
  { name: 'a lease that was taken without an offer of ours', events: [takes(0)] },
  { name: 'Talos that answers at a machine that did not boot', events: [runs(0)] },
])('$name is no try', ({ events }) => {
  expect(triesOf(events)).toEqual([])
})

test('a system that starts long after the last try has nothing to do with it', () => {
  expect(triesOf([asks(0), takes(4), starts(5), ends(7), startsSystem(5_000)])).toMatchObject([{ phase: 'loaded' }])
})

test('phases have an order', () => {
  expect(hasReached({ phase: 'loaded' }, 'taken')).toBe(true)
  expect(hasReached({ phase: 'taken' }, 'loaded')).toBe(false)
})

test('a try is read from its record as it was', () => {
  const [boot] = triesOf([asks(0), takes(4), probes(5), starts(5), ends(7), asksForConfiguration(20)])
  const written: unknown = JSON.parse(JSON.stringify(boot))
  expect(JSON.parse(JSON.stringify(bootKind.parse(written)))).toEqual(written)
  expect(() => bootKind.parse({ ...(written as object), phase: 'landed' })).toThrow('phase')
})
