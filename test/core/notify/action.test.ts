import { describe, expect, test } from 'vitest'
import { type ActionTicket, readTicket, writeTicket } from '../../../src/core/notify/action.ts'

const signature = 'abcdefghijklmnopqrstuv'
const tokenOf = (ticket: ActionTicket) => {
  const { head, subject } = writeTicket(ticket)
  return `${head}${signature}${subject}`
}

describe('a ticket', () => {
  const tickets: readonly ActionTicket[] = [
    { action: { do: 'cancel', subject: '2026-11-26T19:56:55.123Z' }, expiresAt: 1_795_723_200_000, nonce: 'aB3-_9' },
    { action: { do: 'wake', subject: '1970-01-01T00:00:00.000Z' }, expiresAt: 1_000, nonce: '000000' },
    { action: { do: 'approve', subject: 'v1.14.0-alpha.12' }, expiresAt: 1_795_723_200_000, nonce: 'zzzzzz' },
    { action: { do: 'pause', subject: 'v1.13.9' }, expiresAt: 1_795_723_200_000, nonce: '-_-_-_' },
  ]
  test.each(tickets)('to $action.do is read as it was written, and fits a button', (ticket) => {
    const token = tokenOf(ticket)
    expect(readTicket(token)).toEqual({ ticket, signature })
    expect(token.length).toBeLessThanOrEqual(64)
    expect(token).toMatch(/^[-_.A-Za-z0-9]+$/)
  })

  test('that is none is not read', () => {
    const good = tokenOf(tickets[2]!)
    for (const bad of [
      '',
      'x',
      good.slice(0, 35),
      `x${good.slice(1)}`,
      `${good} `,
      `${good}${'a'.repeat(40)}`,
      good.replace('v1', 'v\n'),
    ])
      expect(readTicket(bad)).toBeUndefined()
  })

  test('with a time that no calendar has is not read', () => {
    expect(readTicket(`c${'0'.repeat(6)}nonce1${signature}${'z'.repeat(29)}`)).toBeUndefined()
    expect(readTicket(`c${'0'.repeat(6)}nonce1${signature}__`)).toBeUndefined()
  })
})
