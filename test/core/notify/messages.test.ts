import { describe, expect, test } from 'vitest'
import { composeAlert, composeEvent, composeNote } from '../../../src/core/notify/compose.ts'
import { threadOf } from '../../../src/core/notify/thread.ts'

const at = '2026-11-26T12:00:00.000Z'
const voice = { homelab: 'attic', timeZone: 'UTC' }

describe('the name of a thread', () => {
  test('differs for long names that begin or end alike', () => {
    const machine = `${'rack-'.repeat(56)}example`
    const names = [`node.unready:${machine}`, `node.armed:${machine}`, `node.armed:${machine}2`, machine]
    const threads = names.map((name) => threadOf(name, at))
    expect(new Set(threads).size).toBe(names.length)
    for (const thread of threads) expect(thread).toMatch(/^[-_A-Za-z0-9]{1,56}$/)
  })

  test('differs for events of one moment that are about different nodes', () => {
    const [first, second] = ['w-1', 'w-2'].map((node) =>
      composeEvent({ type: 'node.upgraded', node, version: 'v1.14.0' }, voice, at),
    )
    expect(first!.id).not.toBe(second!.id)
  })
})

test('what a node said at length is cut, whatever characters it is of', () => {
  for (const part of ['🧯', '\u202eabc', '\0x', 'é'])
    for (const long of composeNote(
      {
        topic: 't',
        subject: 's',
        about: 'a',
        headline: part.repeat(10_000),
        text: part.repeat(10_000),
        details: [part.repeat(10_000)],
      },
      voice,
      at,
    ).details!)
      expect(Array.from(long).length).toBeLessThanOrEqual(900)
})

test('the end of an alert says how it ended, and nothing of what was planned', () => {
  const alert = {
    id: 'power.failed',
    severity: 'warning',
    subject: 'rack',
    text: 'mains power failed: rack is on battery with 80 %. If mains power stays off, a shutdown starts after 20 min',
    since: at,
    settledAt: '2026-11-26T12:00:20.000Z',
  } as const
  const end = (more: object) => composeAlert({ ...alert, ...more }, { kind: 'settled', count: 1, at }, voice)
  expect(end({ ending: 'mains power is back, and nothing was shut down' })).toMatchObject({
    title: 'attic: over: mains power failed',
    text: 'mains power failed. Mains power is back, and nothing was shut down. It lasted 20 s.',
  })
  expect(end({ text: 'w-1 is stuck: no' }).text).toBe('w-1 is stuck: no. It lasted 20 s.')
})
