import { describe, expect, test } from 'vitest'
import { quoteWord, splitWords, valueAfter } from '../../../src/adapters/nut/quoting.ts'
import { AgentError } from '../../../src/core/errors.ts'

/** Numbers from 0 to 1, the same in every run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Rich in what has a meaning. */
const alphabet = [
  '"',
  '\\',
  '#',
  ' ',
  '\t',
  '\r',
  '=',
  'a',
  'Z',
  '0',
  '.',
  '-',
  'é',
  '電',
  '🔋',
  '\u0000',
  '\u007f',
  "'",
]
const sayable = alphabet.filter((character) => character > '\u001f' && character !== '\u007f')

function text(random: () => number, from: readonly string[], longest: number): string {
  return Array.from({ length: Math.floor(random() * longest) }, () => from[Math.floor(random() * from.length)]).join('')
}

describe('a line of upsd', () => {
  test.each([
    ['VAR ups ups.status "OL CHRG"', ['VAR', 'ups', 'ups.status', 'OL CHRG']],
    ['UPS ups "Lab \\"quoted\\" UPS \\\\ \\#1"', ['UPS', 'ups', 'Lab "quoted" UPS \\ #1']],
    ['VAR ups ups.status ""', ['VAR', 'ups', 'ups.status', '']],
    ['OK\r', ['OK']],
    ['  VAR\tups  x  ', ['VAR', 'ups', 'x']],
    ['a\\ b c\\', ['a b', 'c']],
    ['', []],
    [' \t\r', []],
  ])('%j has the words %j', (line, words) => {
    expect(splitWords(line)).toEqual(words)
  })

  test('with a quote that is never closed is malformed', () => {
    for (const line of ['VAR ups ups.status "OL', '"', 'a"', '"a\\"', '"\\']) {
      expect(() => splitWords(line)).toThrow(expect.objectContaining({ code: 'malformed' }))
    }
  })
})

test.each([
  ['"OL CHRG"', 'OL CHRG'],
  ['OL CHRG', 'OL CHRG'],
  ['OL', 'OL'],
  ['""', ''],
  ['"a \\"b\\" c"', 'a "b" c'],
  ['', undefined],
  ['"OL" CHRG', undefined],
  ['OL "CHRG"', undefined],
  ['"OL""CHRG"', undefined],
  ['"OL"CHRG', undefined],
  ['OL#CHRG', undefined],
  ["'OL CHRG'", undefined],
  ['"OL CHRG', undefined],
])('after the name of a variable %j is the value %j, or can be meant in more than one way', (text, value) => {
  expect(valueAfter(3, `VAR ups ups.status ${text}\r`)).toBe(value)
})

describe('a word for upsd', () => {
  test('has exactly #, \\ and " escaped', () => {
    expect(quoteWord('a#b\\c"d=e f')).toBe('"a\\#b\\\\c\\"d=e f"')
    expect(quoteWord('')).toBe('""')
  })

  test('has quotes only where it needs them: some servers take them for a part of it', () => {
    for (const word of ['ups', 'eaton-3s_1.2', 'ups@nas', 'p@$$w0rd!', "it's", 'ups.status'])
      expect(quoteWord(word)).toBe(word)
    for (const word of ['two words', 'a=b', '#1', 'a#b', 'größe', 'a\\b', 'a"b', ''])
      expect(quoteWord(word)).toMatch(/^".*"$/)
  })

  test('can hold neither a line break, which would begin another command, nor more than upsd takes', () => {
    for (const word of ['a\nFSD ups', 'a\r', 'a\u0000', 'a\u007f', 'x'.repeat(501), 'é'.repeat(251)]) {
      expect(() => quoteWord(word)).toThrow(expect.objectContaining({ code: 'misconfigured' }))
    }
    expect(splitWords(quoteWord('x'.repeat(500)))).toEqual(['x'.repeat(500)])
  })

  test('never shows a password in the error that refuses it', () => {
    expect(() => quoteWord('hunter2\n')).toThrow(/^(?!.*hunter2)/s)
  })
})

describe('a hundred thousand random', () => {
  test('words come back as they were, alone and among others', () => {
    const random = randomFrom(20_261_122)
    const changed: (readonly string[])[] = []
    for (let round = 0; round < 100_000; round++) {
      const words = [text(random, sayable, 24), text(random, sayable, 6), text(random, sayable, 3)]
      const back = splitWords(`VAR ${words.map(quoteWord).join(random() < 0.5 ? ' ' : ' \t ')}\r`)
      if (back.length !== 4 || words.some((word, index) => word !== back[index + 1])) changed.push(words, back)
    }
    expect(changed).toEqual([])
  })

  test('lines are split into no more than they hold, or refused as malformed', () => {
    const random = randomFrom(7)
    let refused = 0
    for (let round = 0; round < 100_000; round++) {
      const line = text(random, alphabet, 40)
      try {
        const words = splitWords(line)
        const held = words.reduce((sum, word) => sum + word.length, 0)
        if (held > line.length || words.length > line.length) throw new Error(`${JSON.stringify(line)} grew`)
      } catch (error) {
        if (!(error instanceof AgentError) || error.code !== 'malformed') throw error
        refused += 1
      }
    }
    expect(refused).toBeGreaterThan(1_000)
  })

  test('characters in one line take no longer than their number', () => {
    const random = randomFrom(3)
    // An open quote ends it early otherwise.
    const quoteless = text(random, alphabet, 4_000_000).replaceAll(/["\\]/g, '')
    const before = performance.now()
    splitWords(quoteless)
    expect(performance.now() - before).toBeLessThan(30_000)
  })
})
