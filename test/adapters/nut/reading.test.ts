import { describe, expect, test } from 'vitest'
import { parseReading, parseStatus } from '../../../src/adapters/nut/reading.ts'
import { NutRefusal } from '../../../src/adapters/nut/refusal.ts'
import { createNutUps } from '../../../src/adapters/nut/ups.ts'
import { startUpsdStandIn } from '../../lab/upsd/stand-in.ts'

const address = '127.0.43.17'
const soon = () => AbortSignal.timeout(10_000)

describe('a status of', () => {
  test.each([
    ['OL CHRG', ['OL', 'CHRG']],
    ['  ol\tchrg ', ['OL', 'CHRG']],
    ['OLCHRG', ['OL', 'CHRG']],
    ['OBDISCHRG LB', ['OB', 'DISCHRG', 'LB']],
    ['obLB', ['OB', 'LB']],
    ['OB OFF OB', ['OB', 'OFF']],
    ['OB OBLB LB', ['OB', 'LB']],
    ['FSD OL CHRG', ['FSD', 'OL', 'CHRG']],
    ['OL vendor:eaton:ECO NEW', ['OL', 'VENDOR:EATON:ECO', 'NEW']],
    // More than one way to take them apart, or none.
    ['OLNEW OFF OVER OLOB OLOLCHRG', ['OLNEW', 'OFF', 'OVER', 'OL', 'OB', 'OLOLCHRG']],
    ['', []],
    ['WAIT', ['WAIT']],
  ])('%j has the tokens %j', (text, tokens) => {
    expect(parseStatus(text)).toEqual(tokens)
  })
})

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
    ['ACCESS-DENIED', 'rejected', /upsd\.users.*permitted devices/],
    ['UNKNOWN-UPS', 'rejected', /upsc -l/],
    ['DATA-STALE', 'unreachable', /cable/],
    ['DRIVER-NOT-CONNECTED', 'unreachable', /driver/],
    ['USERNAME-REQUIRED', 'rejected', /set user and password/],
    ['PASSWORD-REQUIRED', 'rejected', /set user and password/],
    ['INVALID-USERNAME', 'rejected', /no such user/],
    ['INVALID-PASSWORD', 'rejected', /password is wrong/],
    ['ALREADY-SET-USERNAME', 'unreachable', /before/],
    ['ALREADY-SET-PASSWORD', 'unreachable', /before/],
    ['ALREADY-LOGGED-IN', 'unreachable', /already/],
    ['VAR-NOT-SUPPORTED', 'rejected', /no such variable/],
    ['CMD-NOT-SUPPORTED', 'rejected', /upscmd -l/],
    ['READONLY', 'rejected', /only be read/],
    ['TOO-LONG', 'rejected', /longer/],
    ['INVALID-VALUE', 'rejected', /value/],
    ['SET-FAILED', 'rejected', /driver's log/],
    ['INSTCMD-FAILED', 'rejected', /driver's log/],
    ['INVALID-ARGUMENT', 'rejected', /older server/],
    ['UNKNOWN-COMMAND', 'rejected', /too old/],
    ['FEATURE-NOT-SUPPORTED', 'rejected', /built without/],
    ['FEATURE-NOT-CONFIGURED', 'rejected', /upsd\.conf/],
    ['ALREADY-SSL-MODE', 'rejected', /encrypted already/],
    ['VAR-UNKNOWN', 'rejected', /no such variable/],
    ['UNKNOWN-TYPE', 'rejected', /type/],
    ['UNKNOWN-INSTCMD', 'rejected', /no such command/],
    ['MISSING-ARGUMENT', 'rejected', /lacks a word/],
    ['SOMETHING-NEW', 'rejected', /documentation does not list it/],
  ])('with %s says who refused what, what it means, and is %s', (code, errorCode, meaning) => {
    const error = told(code)
    expect(error).toMatchObject({ name: 'AgentError', code: errorCode, nutCode: code, message: meaning })
    expect(error.message).toMatch(new RegExp(`^upsd at nas:3493 refuses LOGIN ups: ${code}: `))
  })

  test('shows what newer servers say after the code, up to a point', () => {
    expect(told('ACCESS-DENIED', 'SSL trust failed').message).toContain('ACCESS-DENIED SSL trust failed: ')
    expect(told('ACCESS-DENIED', 'x'.repeat(9_000)).message.length).toBeLessThan(500)
  })
})
