import { describe, expect, test } from 'vitest'
import { parseReading, unclearFigures } from '../../../src/adapters/nut/reading.ts'
import { NutRefusal } from '../../../src/adapters/nut/refusal.ts'
import { createNutUps } from '../../../src/adapters/nut/ups.ts'
import { startUpsdStandIn } from '../../lab/upsd/stand-in.ts'
import { soon } from '../../patience.ts'

const address = '127.0.43.17'

test('a reading has everything in our units, and leaves out what is no number or nothing', () => {
  expect(
    parseReading({
      'ups.status': 'OL ALARM',
      'ups.alarm': ' Replace battery! ',
      'ups.test.result': 'In progress',
      'battery.charge.low': '10',
      'battery.runtime.low': '120',
    }),
  ).toEqual({
    status: ['OL', 'ALARM'],
    alarm: 'Replace battery!',
    testing: true,
    chargeLow: 10,
    runtimeLow: 120_000,
  })
  expect(
    parseReading({ 'ups.alarm': ' ', 'ups.test.result': 'Done and passed', 'battery.runtime.low': 'n/a' }),
  ).toEqual({ status: [] })
})

describe('a figure of another server', () => {
  test.each([
    ['13,5', 13.5, 13_500],
    ['13.5 %', 13.5, undefined],
    ['100%', 100, undefined],
    ['100 percent', 100, undefined],
    ['3480 s', undefined, 3_480_000],
    ['3480sec', undefined, 3_480_000],
    ['58 min', undefined, 3_480_000],
    ['3480.', 3_480, 3_480_000],
    ['+12', 12, 12_000],
    // More than one way to understand them, or none.
    ['1,234', undefined, undefined],
    ['1.234,5', undefined, undefined],
    ['58 m', undefined, undefined],
    ['0:58', undefined, undefined],
    ['1e3', undefined, undefined],
    ['0x10', undefined, undefined],
    ['N/A', undefined, undefined],
  ])('%j is %s %% and %s ms', (text, charge, runtime) => {
    const reading = parseReading({ 'ups.status': 'OL', 'battery.charge': text, 'battery.runtime': text })
    expect([reading.charge, reading.runtime]).toEqual([charge, runtime])
  })

  test('that is unclear is told of, and words and nothing are not', () => {
    const raw = {
      'battery.charge': '100 volts',
      'battery.runtime': '58 m',
      'ups.load': 'N/A',
      'battery.charge.low': '',
    }
    expect(unclearFigures(raw)).toEqual([
      ['battery.charge', 'battery.charge "100 volts"'],
      ['battery.runtime', 'battery.runtime "58 m"'],
    ])
  })
})

test("how often the driver asks its UPS is told, in ms, however the server's readings go", async () => {
  await using upsd = await startUpsdStandIn({ address })
  await upsd.set('driver.parameter.pollfreq', '30')
  await using ups = createNutUps({ host: address, port: upsd.port, name: 'ups' })
  expect(ups.driver).toBeUndefined()
  for (const _ of [1, 2]) await ups.read(soon())
  expect(ups.driver).toEqual({ pollInterval: 2_000, pollFrequency: 30_000 })
  expect((await ups.details(soon())).driver).toEqual({ pollInterval: 2_000, pollFrequency: 30_000 })
})

test('what a UPS lacks is asked for at each tenth reading, and what it has at each', async () => {
  await using upsd = await startUpsdStandIn({ address })
  await using ups = createNutUps({ host: address, port: upsd.port, name: 'ups' })
  for (let reading = 1; reading <= 21; reading++) await ups.read(soon())
  const asked = (variable: string) => upsd.commands.filter((command) => command.endsWith(` ${variable}`)).length
  expect([asked('ups.alarm'), asked('ups.test.result')]).toEqual([3, 3])
  expect([asked('ups.status'), asked('ups.load'), asked('battery.charge.low')]).toEqual([21, 21, 21])
  await upsd.set('ups.load', '')
  await upsd.set('battery.runtime', '')
  for (let reading = 1; reading <= 3; reading++) await ups.read(soon())
  expect([asked('ups.load'), asked('battery.runtime')]).toEqual([24, 24])
})

test('an alarm comes with its text at once, and a self-test within ten readings and then at each', async () => {
  await using upsd = await startUpsdStandIn({ address })
  await using ups = createNutUps({ host: address, port: upsd.port, name: 'ups' })
  expect(await ups.read(soon())).not.toHaveProperty('alarm')
  await upsd.status('OL ALARM RB')
  await upsd.set('ups.alarm', 'Replace battery!')
  expect(await ups.read(soon())).toMatchObject({ status: ['OL', 'ALARM', 'RB'], alarm: 'Replace battery!' })
  await upsd.set('ups.test.result', 'In progress')
  await expect.poll(() => ups.read(soon())).toMatchObject({ testing: true })
  for (const _ of [1, 2]) expect(await ups.read(soon())).toMatchObject({ testing: true })
  await upsd.set('ups.test.result', 'Done and passed')
  await upsd.status('OL')
  await upsd.set('ups.alarm', '')
  const reading = await ups.read(soon())
  expect([reading.testing, reading.alarm]).toEqual([undefined, undefined])
})

describe('a refusal', () => {
  const told = (code: string, ...extra: string[]) => new NutRefusal(code, 'LOGIN ups', 'nas:3493', extra)

  test.each([
    { code: 'ACCESS-DENIED', errorCode: 'rejected', meaning: /upsd\.users.*permitted devices/ },
    { code: 'UNKNOWN-UPS', errorCode: 'rejected', meaning: /upsc -l/ },
    { code: 'DATA-STALE', errorCode: 'unreachable', meaning: /cable/ },
    { code: 'DRIVER-NOT-CONNECTED', errorCode: 'unreachable', meaning: /driver/ },
    { code: 'USERNAME-REQUIRED', errorCode: 'rejected', meaning: /set user and password/ },
    { code: 'PASSWORD-REQUIRED', errorCode: 'rejected', meaning: /set user and password/ },
    { code: 'INVALID-USERNAME', errorCode: 'rejected', meaning: /no such user/ },
    { code: 'INVALID-PASSWORD', errorCode: 'rejected', meaning: /password is wrong/ },
    { code: 'ALREADY-SET-USERNAME', errorCode: 'unreachable', meaning: /before/ },
    { code: 'ALREADY-SET-PASSWORD', errorCode: 'unreachable', meaning: /before/ },
    { code: 'ALREADY-LOGGED-IN', errorCode: 'unreachable', meaning: /already/ },
    { code: 'VAR-NOT-SUPPORTED', errorCode: 'rejected', meaning: /no such variable/ },
    { code: 'CMD-NOT-SUPPORTED', errorCode: 'rejected', meaning: /upscmd -l/ },
    { code: 'READONLY', errorCode: 'rejected', meaning: /only be read/ },
    { code: 'TOO-LONG', errorCode: 'rejected', meaning: /longer/ },
    { code: 'INVALID-VALUE', errorCode: 'rejected', meaning: /value/ },
    { code: 'SET-FAILED', errorCode: 'rejected', meaning: /driver's log/ },
    { code: 'INSTCMD-FAILED', errorCode: 'rejected', meaning: /driver's log/ },
    { code: 'INVALID-ARGUMENT', errorCode: 'rejected', meaning: /older server/ },
    { code: 'UNKNOWN-COMMAND', errorCode: 'rejected', meaning: /too old/ },
    { code: 'FEATURE-NOT-SUPPORTED', errorCode: 'rejected', meaning: /built without/ },
    { code: 'FEATURE-NOT-CONFIGURED', errorCode: 'rejected', meaning: /upsd\.conf/ },
    { code: 'ALREADY-SSL-MODE', errorCode: 'rejected', meaning: /encrypted already/ },
    { code: 'VAR-UNKNOWN', errorCode: 'rejected', meaning: /no such variable/ },
    { code: 'UNKNOWN-TYPE', errorCode: 'rejected', meaning: /type/ },
    { code: 'UNKNOWN-INSTCMD', errorCode: 'rejected', meaning: /no such command/ },
    { code: 'MISSING-ARGUMENT', errorCode: 'rejected', meaning: /lacks a word/ },
    { code: 'SOMETHING-NEW', errorCode: 'rejected', meaning: /documentation does not list it/ },
  ])('with $code says who refused what, what it means, and is $errorCode', ({ code, errorCode, meaning }) => {
    const error = told(code)
    expect(error).toMatchObject({ name: 'AgentError', code: errorCode, nutCode: code, message: meaning })
    expect(error.message).toMatch(new RegExp(`^upsd at nas:3493 refuses LOGIN ups: ${code}: `))
  })

  test('shows what newer servers say after the code, up to a point', () => {
    expect(told('ACCESS-DENIED', 'SSL trust failed').message).toContain('ACCESS-DENIED SSL trust failed: ')
    expect(told('ACCESS-DENIED', 'x'.repeat(9_000)).message.length).toBeLessThan(500)
  })
})
