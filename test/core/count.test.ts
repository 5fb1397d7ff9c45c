import { expect, test } from 'vitest'
import { agreeing, counted, listed } from '../../src/core/count.ts'

test.each([
  [0, '0 nodes'],
  [1, '1 node'],
  [2, '2 nodes'],
])('%d: %s', (count, text) => {
  expect(counted(count, 'node')).toBe(text)
})

test('a plural of its own', () => {
  expect(counted(1, 'entry', 'entries')).toBe('1 entry')
  expect(counted(3, 'entry', 'entries')).toBe('3 entries')
})

test.each([
  [[], '', 'answer'],
  [['cp-1'], 'cp-1', 'answers'],
  [['cp-1', 'w-1'], 'cp-1 and w-1', 'answer'],
  [['cp-1', 'w-1', 'w-2'], 'cp-1, w-1 and w-2', 'answer'],
])('%j is "%s", and they %s', (names, text, verb) => {
  expect(listed(names)).toBe(text)
  expect(agreeing(names, 'answers', 'answer')).toBe(verb)
})
