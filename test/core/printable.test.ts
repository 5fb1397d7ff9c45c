import { expect, test } from 'vitest'
import { printable, printableDeep, printableDrawing, printableJson, printableLines } from '../../src/core/printable.ts'

test.each([
  { what: 'colours', text: 'a\u001b[31mb\u001b[0m', shown: 'ab' },
  { what: 'a cursor that moves and clears', text: 'a\u001b[2J\u001b[1;1H\u001b[?25lb', shown: 'ab' },
  { what: 'a title, ended by BEL', text: 'a\u001b]0;title\u0007b', shown: 'ab' },
  { what: 'a link, ended by ST', text: '\u001b]8;;https://evil\u001b\\a\u001b]8;;\u001b\\', shown: 'a' },
  { what: 'a clipboard', text: 'a\u001b]52;c;cm0gLXJm\u0007', shown: 'a' },
  { what: 'a device string', text: 'a\u001bPq#0\u001b\\b\u001b_x\u001b\\\u001b^x\u001b\\', shown: 'ab' },
  { what: 'a sequence without its end', text: 'a\u001b]0;title', shown: 'a]0;title' },
  { what: 'the same in C1', text: 'a\u009b31mb\u009d0;t\u009cc\u0085d', shown: 'abc d' },
  { what: 'a line that is written over', text: 'bad\rgood', shown: 'bad good' },
  { what: 'a line of its own', text: 'a\nb\u2028c\u2029d\u000be', shown: 'a b c d e' },
  { what: 'BEL, BS, DEL and NUL', text: 'a\u0007b\bc\u007fd\0', shown: 'abcd' },
  { what: 'bidi overrides and isolates', text: '\u202egnp.exe\u202c\u2066a\u2069\u200f', shown: 'gnp.exea' },
  { what: 'zero width', text: 'v1\u200b.1\u200d3\ufeff.9\u2060\u00ad', shown: 'v1.13.9' },
  { what: 'tags', text: 'a\u{e0041}\u{e0042}', shown: 'a' },
  { what: 'half a character', text: 'a\ud800', shown: 'a' },
  { what: 'sequences in sequences', text: '\u001b\u001b[31m[31ma', shown: '[31ma' },
])('$what does not reach a terminal', ({ text, shown }) => {
  expect(printable(text)).toBe(shown)
})

test.each(['größer als ½', 'Kücheneule 🦉', '東京', 'مرحبا', 'a  b'])('what people write stays: %s', (text) => {
  expect(printable(text)).toBe(text)
})

test('lines and colours that are ours stay, and nothing else', () => {
  expect(printableLines('a\u001b[31m\nb\r\nc')).toBe('a\nb \nc')
  expect(printableDrawing('\u001b[32mok\u001b[39m\n\u001b[2Jx\u001b]0;t\u0007')).toBe('\u001b[32mok\u001b[39m\nx')
})

test('an answer is clean in every text, in its names too', () => {
  const answer = { 'a\nb': ['c\r', { d: '\u001b[31me' }], at: 1, none: undefined, map: new Map([['f\n', 'g\n']]) }
  expect(printableDeep(answer)).toEqual({
    'a b': ['c ', { d: 'e' }],
    at: 1,
    none: undefined,
    map: new Map([['f ', 'g ']]),
  })
})

test('JSON says the same to whoever parses it, and shows nothing that a terminal acts on', () => {
  const answer = { text: 'a\u001b[31m\u009b31m\u202e\u200b\u2028\u007f\u{e0041}ü🦉', 'k\u202e': 1 }
  const json = printableJson(JSON.stringify(answer))
  expect(JSON.parse(json)).toEqual(answer)
  expect(json).toMatch(/^[\x20-\x7eü🦉]+$/u)
})

test('a text of nothing but beginnings is cleaned at once', () => {
  const began = process.cpuUsage()
  for (const piece of ['\u001b]', '\u001b[', '\u009d', '\u001b[0', '\u001b]0;']) printable(piece.repeat(200_000))
  expect(process.cpuUsage(began).user / 1_000).toBeLessThan(5_000)
})
