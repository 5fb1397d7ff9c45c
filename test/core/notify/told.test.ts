import { describe, expect, test } from 'vitest'
import { composeEvent, composeNote } from '../../../src/core/notify/compose.ts'
import { threadOf } from '../../../src/core/notify/told.ts'

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
