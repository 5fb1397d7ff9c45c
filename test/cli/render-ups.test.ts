import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import { draw, renderSeen, renderStatus, renderUps, renderWatch, type Seen } from '../../src/cli/render-ups.ts'
import type { UpsReading } from '../../src/core/power/ups.ts'

const seen = (...readings: (UpsReading | string)[]): Seen[] =>
  readings.map((each, index) => {
    const at = Date.UTC(2026, 0, 1) + index * 1_000
    return typeof each === 'string' ? { at, why: each } : { at, reading: each }
  })
const bare = stripVTControlCharacters

describe('a picture', () => {
  test('stands as high as its values, two to a character, the newest at the right', () => {
    expect(draw([0, 25, 50, 75, 100, 100], { width: 3, rows: 1, highest: 100 })).toEqual(['⢀⣴⣿'])
    expect(draw([100, 50], { width: 1, rows: 2, highest: 100 })).toEqual(['⡇', '⣿'])
  })

  test('has a gap for what was not told, and a dot for what is not quite nothing', () => {
    expect(draw([100, undefined, undefined, 100], { width: 2, rows: 1, highest: 100 })).toEqual(['⡇⢸'])
    expect(draw([0.1, 0], { width: 1, rows: 3, highest: 100 })).toEqual(['⠀', '⠀', '⡀'])
  })

  test('shows the end of what is too long for it, and never more than there is room for', () => {
    const values = Array.from({ length: 100 }, (_, index) => (index < 98 ? 100 : 0))
    expect(draw(values, { width: 2, rows: 1, highest: 100 })).toEqual(['⣿⠀'])
    expect(draw([500, -7], { width: 1, rows: 1, highest: 100 })).toEqual(['⡇'])
    expect(draw([], { width: 2, rows: 1, highest: 100 })).toEqual(['⠀⠀'])
  })
})

test('a watch has the newest in figures, everything in pictures, and no line wider than the terminal', () => {
  const text = renderWatch(
    'rack',
    seen({ status: ['OL'], charge: 100, load: 20, runtime: 600_000 }, 'upsd at nas:3493 closed the connection', {
      status: ['OB', 'LB'],
      charge: 50,
      load: 40,
      runtime: 90_000,
      alarm: 'hot',
      testing: true,
    }),
    40,
  )
  const lines = bare(text).split('\n')
  expect(lines.slice(0, 3)).toEqual(['rack  OB LB', 'alarm: hot', 'self-test in progress'])
  expect(bare(text)).toMatch(/50 %.*\n.*of 100 .*\nload .*\n40 %.*\n.*\nruntime .*\n1\.5 min.*\nof 10 /)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40)
})

test('a watch leaves out what the UPS never told, and says why there is nothing now', () => {
  expect(bare(renderWatch('ups', seen({ status: ['OL'] }), 80))).toBe('ups  OL')
  expect(bare(renderWatch('ups', [], 80))).toBe('ups  not read yet')
  const lost = bare(renderWatch('ups', seen({ status: ['OL'], charge: 3 }, 'upsd at nas:3493: gone'), 80))
  expect(lost).toMatch(/^ups {2}upsd at nas:3493: gone\ncharge .*\nno data/)
})

test('where nothing can be drawn over, a reading is a line with its time', () => {
  const [one, two, three] = seen(
    { status: ['OB', 'DISCHRG'], charge: 97, load: 20, runtime: 600_000 },
    { status: [] },
    'upsd at nas:3493 is gone',
  ).map((each) => bare(renderSeen('ups', each, 'UTC')))
  expect(one).toBe('00:00:00  ups  OB DISCHRG  charge 97 %, load 20 %, runtime 10 min')
  expect(two).toBe('00:00:01  ups  no status')
  expect(three).toBe('00:00:02  ups  upsd at nas:3493 is gone')
})

test('everything that a UPS tells has its name before it, with what can be set marked', () => {
  const text = renderUps({
    label: 'rack',
    details: {
      secure: true,
      variables: {
        'battery.charge': '100',
        'device.model': 'Smart 1500',
        'ups.delay.start': '30',
        'ups.load': '18',
        'ups.realpower.nominal': '900',
        'ups.serial': 'LAB0001',
        'ups.status': 'OL  CHRG',
      },
      writable: ['ups.delay.start'],
      commands: ['load.off', 'shutdown.return'],
      clients: ['10.0.0.2', '10.0.0.3'],
      numLogins: 2,
      server: 'Network UPS Tools upsd 2.8.0 - http://www.networkupstools.org/',
      protocol: '1.3',
    },
  })
  expect(bare(text)).toBe(`ups         rack
status      OL CHRG
model       Smart 1500
serial      LAB0001
made for    900 W
load        about 162 W of 900 W
server      Network UPS Tools upsd 2.8.0 - http://www.networkupstools.org/, protocol 1.3
connection  encrypted
logged in   2: 10.0.0.2, 10.0.0.3
commands    load.off, shutdown.return
battery.charge: 100
device.model: Smart 1500
ups.delay.start: 30 (writable)
ups.load: 18
ups.realpower.nominal: 900
ups.serial: LAB0001
ups.status: OL  CHRG`)
  const silent = { 'ups.load': '', 'ups.realpower.nominal': '900' }
  const noLoad = { variables: silent, writable: [], commands: [], clients: [], secure: false }
  expect(bare(renderUps({ label: 'ups', details: noLoad }))).not.toContain('\nload ')
  const little = renderUps({
    label: 'ups',
    details: { variables: {}, writable: [], commands: [], clients: [], secure: false },
  })
  expect(bare(little)).toBe(`ups         ups
status      no status
server      unknown
connection  plain text
logged in   0
commands    none`)
})

test('a status keeps what is not known', () => {
  expect(bare(renderStatus(['OB', 'HOT', 'LB']))).toBe('OB HOT LB')
})
