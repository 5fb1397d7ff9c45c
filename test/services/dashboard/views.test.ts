import { describe, expect, test } from 'vitest'
import { entryList } from '../../../src/http/markup/entries.ts'
import { clockOf } from '../../../src/http/markup/moments.ts'
import { prose } from '../../../src/http/markup/parts.ts'
import { alarmView } from '../../../src/http/markup/power.ts'
import type { Viewing } from '../../../src/operations/pages.ts'
import { wantedIn } from '../../../src/services/dashboard/journal/page.ts'
import { imagesView } from '../../../src/services/schematics-watch/images/page.ts'
import { judgeRelease } from '../../../src/services/schematics-watch/releases/page.ts'
import { machineFacts } from '../../../src/services/node-watch/nodes/page.ts'
import { nodesView } from '../../../src/services/node-watch/nodes/view.ts'
import { powerView } from '../../../src/services/ups-watch/page/view.ts'
import { worker } from '../../core/cluster/nodes.ts'
import { readingsCsv } from '../../../src/services/ups-watch/page/csv.ts'
import { at, clusterWith, outage, overviewOf, textOf, ups, viewing } from './drawn.ts'

describe('a power cut on a phone in the dark', () => {
  const shown = (given: Partial<Parameters<typeof alarmView>[0]>, scope: Viewing['scope'] = 'operate') => {
    const alarm = {
      power: { upses: [ups()], shutdownRequestedAt: undefined },
      outage: undefined,
      countdown: undefined,
      text: 'Mains power failed',
      details: undefined,
    }
    return textOf(alarmView({ ...alarm, ...given }, { ...viewing, scope }) ?? 'nothing')
  }

  test('shows the countdown and the button that stops it', async () => {
    const text = await shown({
      countdown: { at: Date.parse('2027-01-01T20:09:05Z'), reason: 'low-runtime', ups: 'rack' },
    })
    expect(text).toMatch(/datetime="2027-01-01T20:09:05\.000Z"\s+data-until[^>]*>4:05</)
    expect(text).toContain('action="/power/do/cancel"')
  })

  test.each([
    {
      when: 'once it was cancelled',
      given: { power: { upses: [ups({ cancelled: 'not-begun' as const })], shutdownRequestedAt: undefined } },
      has: [],
      hasNot: ['cancel', 'wake'],
    },
    { when: 'while machines shut down', given: { outage: outage('stopping') }, has: ['cancel'], hasNot: ['wake'] },
    { when: 'when everything is down', given: { outage: outage('stopped') }, has: ['wake'], hasNot: ['cancel'] },
  ])('offers $has $when', async ({ given, has, hasNot }) => {
    const text = await shown(given)
    for (const name of has) expect(text).toContain(`/power/do/${name}`)
    for (const name of hasNot) expect(text).not.toContain(`/power/do/${name}`)
  })

  test('says why there is no button for who may only read', async () => {
    const text = await shown({}, 'read')
    expect(text).not.toContain('<button')
    expect(text).toContain('“Cancel the shutdown” needs a token of scope operate; yours is read.')
  })

  test('is not there on mains power', async () => {
    expect(await shown({ power: { upses: [ups({ mode: 'on-mains' })], shutdownRequestedAt: undefined } })).toBe(
      'nothing',
    )
  })
})

test.each([
  [-5, '0:00'],
  [1, '0:01'],
  [65_000, '1:05'],
  [3_600_000, '1:00:00'],
  [3_665_001, '1:01:06'],
])('%i ms to go are shown as %s', (ms, shown) => expect(clockOf(ms)).toBe(shown))

test('readings are a table that a spreadsheet reads, empty where something was not told', () => {
  const csv = readingsCsv([
    { at, chargePercent: 97, runtimeMs: 600_400, loadPercent: 20, inputVolts: 231.4 },
    { at, onBattery: true },
  ])
  expect(csv).toBe(
    `time,charge_percent,runtime_seconds,load_percent,input_volts,on_battery\n${at},97,600,20,231.4,0\n${at},,,,,1\n`,
  )
})

test.each([
  { query: 'kind=alert&about=w-1&before=000000000042', is: { kind: 'alert', about: 'w-1', before: '000000000042' } },
  { query: 'kind=<b>&before=x', is: { kind: undefined, about: '', before: undefined } },
])('the journal reads $query', ({ query, is }) => expect(wantedIn(new URLSearchParams(query))).toMatchObject(is))

test.each([
  { feed: undefined, mac: 'x', powerOn: undefined, fed: 'rack', wakes: 'magic packet' },
  {
    feed: { powerValue: { rack: 1, shelf: 1 }, minSupplies: 1 },
    mac: undefined,
    powerOn: { http: {} },
    fed: 'any of rack or shelf',
    wakes: 'a request',
  },
  {
    feed: { powerValue: { rack: 1, shelf: 1 }, minSupplies: 2 },
    mac: 'x',
    powerOn: { command: [] },
    fed: 'all of rack and shelf',
    wakes: 'magic packet, then a command',
  },
  {
    feed: { powerValue: { rack: 2, shelf: 1 }, minSupplies: 2 },
    mac: undefined,
    powerOn: undefined,
    fed: 'rack and shelf (needs 2 of 3)',
    wakes: 'by hand: it has no MAC address',
  },
])('a node is fed by $fed and woken by $wakes', ({ feed, mac, powerOn, fed, wakes }) => {
  const node = { name: 'w-1', address: '10.0.0.1', feed, mac, wake: powerOn && { powerOn } }
  const [told] = machineFacts({ nodes: [node], hosts: [], upses: [{ label: 'rack' }] } as never)
  expect(told).toMatchObject({ kind: 'node', feed: fed, wakes })
})

test.each([
  { version: 'v1.14.1', is: 'target' },
  { version: 'v1.13.9', is: 'runs' },
  { version: 'v1.14.0', is: 'left out' },
  { version: 'v1.12.0', is: 'older' },
  { version: 'v1.15.0', is: 'not now' },
  { version: 'v1.14.1', isWithdrawn: true, is: 'withdrawn' },
])('a release $version is judged “$is”', ({ version, isWithdrawn = false, is }) => {
  const decision = { kind: 'target', version: 'v1.14.1', reason: 'it is the newest' } as const
  const policy = { channel: 'stable', pin: undefined, skip: ['v1.14.0'] } as never
  const { verdict } = judgeRelease(
    { version, isPrerelease: false, isWithdrawn },
    { decision, running: [['v1.13.9', 3]], policy },
  )
  expect(verdict[1]).toBe(is)
})

test('an image is shown with what its UKI is made of, and one of another kind without', async () => {
  const image = {
    version: 'v1.14.1',
    schematic: 'a'.repeat(64),
    architecture: 'amd64',
    secureBoot: false,
    kind: 'uki',
    sha256: 'b'.repeat(64),
    bytes: 100_000_000,
    stagedAt: at,
    path: 'images/one',
    publishedAs: ['metal.efi'],
    published: true,
  } as const
  const made = [
    { name: '.cmdline', bytes: 312 },
    { name: '.linux', bytes: 20_100_000 },
    { name: '.initrd', bytes: 80_000_000 },
  ]
  const images = [image, { ...image, kind: 'iso', path: 'images/two', published: false } as const]
  const data = { images, sections: new Map([['images/one', made]]), directory: '/share', image: 'metal.efi' }
  const text = await textOf(imagesView(data, viewing))
  expect(text).toContain('3 sections of its UKI')
  expect(text.match(/of its UKI/g)).toHaveLength(1)
  for (const shown of ['.linux', 'kernel command line', '312 B', '20.1 MB']) expect(text).toContain(shown)
  expect(text).toContain('width="25.1"')
})

describe('what happened', () => {
  const shown = (text: string) =>
    textOf(entryList([{ id: 1, at, kind: 'alert', subject: 'share', text }], viewing, 'nothing'))

  test('stands out by its first words where it is an alert', async () => {
    expect(await shown('the share does not answer: it timed out')).toContain(
      '<strong>the share does not answer</strong>: it timed out',
    )
  })

  test('does not once the alert is settled', async () => {
    const text = await shown('settled: the share does not answer')
    expect(text).toContain('settled: the share does not answer')
    expect(text).not.toContain('<strong>')
  })
})

test('the plan of a shutdown says in words which of its phases are final', async () => {
  const row = (phase: string, reversible: boolean) => ({ phase, fromMs: 0, toMs: 5_000, steps: [], reversible })
  const plan = {
    form: 'ordered',
    reason: 'there is time',
    leftMs: 60_000,
    needsMs: 10_000,
    timeline: [row('cordon', true), row('workers', false)],
  }
  const data = {
    power: { upses: [], shutdownRequestedAt: undefined },
    plan,
    outages: [],
    readings: [],
    identities: new Map(),
  }
  const text = await textOf(powerView(data as never, viewing))
  expect(text.match(/0 s – 5 s[^<]*/g)).toEqual(['0 s – 5 s', '0 s – 5 s, final'])
  expect(text).toContain('What is final cannot be undone once it has begun.')
})

test('a UPS is shown with what it is, and how much of what it is made for is used', async () => {
  const identity = { model: 'APC Back-UPS ES 700G', serial: '5B1234', nominalWatts: 405, nominalVoltAmps: 700 }
  const reading = { status: ['OL'], chargePercent: 100, loadPercent: 18 }
  const rack = { ...ups({ mode: 'on-mains', reading }), inputVolts: 231.4 }
  const plan = { form: 'ordered', reason: 'there is time', leftMs: null, needsMs: 10_000, timeline: [] }
  const data = { power: { upses: [rack] }, plan, outages: [], readings: [], identities: new Map([['rack', identity]]) }
  const text = await textOf(powerView(data as never, viewing))
  for (const shown of [
    'APC Back-UPS ES 700G',
    '231 V at its input, about 73 W of 405 W used',
    '405 W, 700 VA',
    'data-copy="5B1234"',
  ])
    expect(text).toContain(shown)
})

test('so many nodes that their names would fill the overview are counted there', async () => {
  const drawn = (count: number) => {
    const nodes = Array.from({ length: count }, (_, index) => worker(`w-${index + 1}`))
    return textOf(overviewOf({ cluster: clusterWith(nodes) }))
  }
  expect(await drawn(8)).toContain('w-8')
  expect(await drawn(9)).not.toContain('w-9')
  expect(await drawn(9)).toContain('9 nodes')
})

describe('a button to copy', () => {
  const shown = (text: string) => textOf(prose(text))

  test.each([
    'run `caretaker power wake --node w-1`',
    'see `talosctl -n 10.0.0.1 dmesg`',
    'try `sudo systemctl restart caretaker`',
  ])('is there for what is typed as it stands: %s', async (text) => {
    expect(await shown(text)).toContain(`data-copy="${text.split('`')[1]}"`)
  })

  test.each(['`upgrade.windows` is empty', 'run `caretaker power wake NAME`', 'caretaker plan', '`caretaker`'])(
    'is not for a setting, a gap or a word: %s',
    async (text) => expect(await shown(text)).not.toContain('<button'),
  )

  test('is hidden until a script shows it', async () => {
    expect(await shown('`caretaker plan --json`')).toMatch(/<button type="button" class="copy" hidden /)
  })
})

test('who may only read sees of a node how it is woken, and no button', async () => {
  const machine = { name: 'w-1', address: '192.168.0.41', kind: 'node', feed: 'rack', wakes: 'magic packet' }
  const cluster = {
    nodes: [worker('w-1')],
    observedAt: at,
    kubernetes: { ok: true, value: 'v1.36.3' },
    workloads: { ok: false },
  }
  const data = { cluster, target: undefined, leftBehind: [], machines: [machine] }
  const text = await textOf(nodesView(data as never, { ...viewing, scope: 'read' }))
  for (const shown of ['woken by', 'magic packet', 'schematic']) expect(text).toContain(shown)
  expect(text).not.toContain('/power/do/wake')
  expect(await textOf(nodesView(data as never, viewing))).toContain('/power/do/wake')
})
