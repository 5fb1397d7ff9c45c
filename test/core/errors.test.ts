import { expect, test } from 'vitest'
import { AgentError, describeConnectionError, during, errorCodes, isUnexpected } from '../../src/core/errors.ts'

test.each(errorCodes)('a failure that is %s keeps its code and its cause, and hears what was being done', (code) => {
  const cause = new AgentError(code, 'w-1 (10.0.0.2): no')
  const told = during('drain w-1', cause)
  expect(told).toMatchObject({ code, message: 'drain w-1: w-1 (10.0.0.2): no', cause })
})

test.each([
  { doing: 'roll back w-1', message: 'w-1: previous UKI not found', told: 'roll back w-1: previous UKI not found' },
  { doing: 'wake nas', message: 'wake nas: it has no MAC address', told: 'wake nas: it has no MAC address' },
  { doing: 'drain w-1', message: 'no answer: no answer', told: 'drain w-1: no answer' },
  { doing: 'drain w-1', message: 'w-10: no answer', told: 'drain w-1: w-10: no answer' },
  { doing: 'stage v1.14.1', message: 'https://x: 404', told: 'stage v1.14.1: https://x: 404' },
])('nothing is said twice: $told', ({ doing, message, told }) => {
  expect(during(doing, new AgentError('rejected', message)).message).toBe(told)
})

test('only what passes by itself is tried again', () => {
  const again = errorCodes.filter((code) => new AgentError(code, '').retryable)
  expect(again).toEqual(['unreachable', 'timed-out', 'not-now'])
})

test.each([
  { what: 'a bug', thrown: new TypeError('x is not a function'), message: 'drain w-1: x is not a function' },
  { what: 'something that is no error', thrown: 'oh', message: 'drain w-1: oh' },
])('$what stays unexpected on its way up, with what was thrown as its cause', ({ thrown, message }) => {
  const told = during('upgrade', during('drain w-1', thrown))
  expect(told).toMatchObject({ code: 'internal', retryable: false, message: `upgrade: ${message}` })
  expect((told.cause as Error).cause).toBe(thrown)
  expect([isUnexpected(thrown), isUnexpected(told)]).toEqual([true, true])
})

test('what an adapter has explained is not unexpected', () => {
  expect(errorCodes.filter((code) => !isUnexpected(new AgentError(code, '')))).toEqual(
    errorCodes.filter((code) => code !== 'internal'),
  )
})

test.each([
  ['connect ECONNREFUSED 10.0.0.2:50000', 'connection refused'],
  ['read ECONNRESET', 'connection reset'],
  ['connect EHOSTUNREACH 10.0.0.2:443', 'no route to the host'],
  ['getaddrinfo ENOTFOUND nas', 'the name nas is unknown'],
  ['certificate has expired', 'certificate has expired'],
  ['connect EINVAL 10.0.0.2:0', 'connect EINVAL 10.0.0.2:0'],
])('%s is said as %s', (text, words) => expect(describeConnectionError(text)).toBe(words))
