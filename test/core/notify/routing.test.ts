import { describe, expect, test } from 'vitest'
import { channelsFor, defaultRoutes, quietUntil, type Route, type Routed } from '../../../src/core/notify/routing.ts'

const alert = (changes: Partial<Routed> = {}): Routed => ({
  kind: 'alert',
  severity: 'warning',
  topic: 'ups.silent:rack',
  subject: 'rack',
  ...changes,
})
const route = (changes: Partial<Route> = {}): Route => ({ channels: ['phone'], severity: 'warning', ...changes })

describe('a message goes where a route takes it', () => {
  const cases: readonly { name: string; message: Routed; routes: readonly Route[]; to: readonly string[] }[] = [
    { name: 'a warning by default, to all', message: alert(), routes: defaultRoutes(['a', 'b']), to: ['a', 'b'] },
    {
      name: 'an info alert by default nowhere',
      message: alert({ severity: 'info' }),
      routes: defaultRoutes(['a']),
      to: [],
    },
    {
      name: 'an info alert where info is wanted',
      message: alert({ severity: 'info' }),
      routes: [route({ severity: 'info' })],
      to: ['phone'],
    },
    {
      name: 'a warning not where only critical ones are',
      message: alert(),
      routes: [route({ severity: 'critical' })],
      to: [],
    },
    { name: 'by its kind', message: alert(), routes: [route({ topics: ['ups'] })], to: ['phone'] },
    { name: 'by its first words', message: alert(), routes: [route({ topics: ['ups.silent'] })], to: ['phone'] },
    { name: 'by its whole id', message: alert(), routes: [route({ topics: ['ups.silent:rack'] })], to: ['phone'] },
    { name: 'not by half a word', message: alert(), routes: [route({ topics: ['up'] })], to: [] },
    { name: 'not where other kinds are named', message: alert(), routes: [route({ topics: ['rollout'] })], to: [] },
    { name: 'by its subject', message: alert(), routes: [route({ subjects: ['rack'] })], to: ['phone'] },
    { name: 'not with another subject', message: alert(), routes: [route({ subjects: ['shelf'] })], to: [] },
    {
      name: 'each channel once, whatever takes it',
      message: alert(),
      routes: [route(), route({ topics: ['ups'], channels: ['mail', 'phone'] })],
      to: ['phone', 'mail'],
    },
    {
      name: 'an event only where it is named',
      message: alert({ kind: 'note', topic: 'release.published', severity: 'info' }),
      routes: [route({ severity: 'info' }), route({ channels: ['mail'], topics: ['release'] })],
      to: ['mail'],
    },
    {
      name: 'a digest wherever no topics are named',
      message: alert({ kind: 'note', topic: 'digest.outage', severity: 'info' }),
      routes: [route({ severity: 'critical' }), route({ channels: ['mail'], topics: ['ups'] })],
      to: ['phone'],
    },
  ]
  test.each(cases)('$name', ({ message, routes, to }) => {
    expect(channelsFor(message, routes)).toEqual(to)
  })
})

describe('in quiet hours', () => {
  const quiet = { from: '22:00', to: '07:00', timeZone: 'Europe/Warsaw' }
  const night = new Date('2026-11-26T22:30:00Z')
  const cases: readonly {
    name: string
    message: { severity: 'info' | 'warning' | 'critical'; topic: string }
    at?: Date
    days?: readonly ('thu' | 'fri')[]
    until: string | undefined
  }[] = [
    {
      name: 'a warning waits for the morning',
      message: { severity: 'warning', topic: 'rollout.stuck' },
      until: '2026-11-27T06:00:00.000Z',
    },
    { name: 'a critical alert does not', message: { severity: 'critical', topic: 'config.invalid' }, until: undefined },
    { name: 'nor does the power', message: { severity: 'warning', topic: 'ups.silent:rack' }, until: undefined },
    {
      name: 'by day nothing waits',
      message: { severity: 'warning', topic: 'rollout.stuck' },
      at: new Date('2026-11-26T12:00:00Z'),
      until: undefined,
    },
    {
      name: 'on other days nothing waits',
      message: { severity: 'warning', topic: 'rollout.stuck' },
      days: ['fri'],
      until: undefined,
    },
    {
      name: 'they belong to the day on which they begin',
      message: { severity: 'warning', topic: 'rollout.stuck' },
      at: new Date('2026-11-27T03:00:00Z'),
      days: ['thu'],
      until: '2026-11-27T06:00:00.000Z',
    },
  ]
  test.each(cases)('$name', ({ message, at = night, days, until }) => {
    expect(quietUntil(message, { ...quiet, ...(days ? { days } : {}) }, at)?.toISOString()).toBe(until)
  })
})
