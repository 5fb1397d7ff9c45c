import { describe, expect, test } from 'vitest'
import { canonicalYaml, kernelArgumentsOf, type Schematic } from '../../../src/core/release/schematic.ts'

const kernelArguments = (...extraKernelArgs: string[]): Schematic => ({ customization: { extraKernelArgs } })
/** One kernel argument, as it stands in the list. */
const written = (text: string) =>
  canonicalYaml(kernelArguments(text)).slice('customization:\n    extraKernelArgs:\n'.length)

// What is expected is what go-yaml v4.0.0-rc.6 writes, which the Factory uses.
describe('a kernel argument', () => {
  test.each([
    'console=ttyS0',
    '-selinux',
    'talos.config=http://h:1/c?u=${uuid}',
    'a=b',
    "it's",
    '1.2.3',
    '-a',
    '?a',
    ':a',
    'a#b',
    'a :b',
    'oFf',
    '=',
    'a!b',
    'a ---',
    'é',
    'a\u00a0b',
    '1:90',
    '0b_',
    '0x_',
    '0xG',
    '_1',
    '+',
    '.',
    '._5',
    '1.5.2',
    '+.5x',
    '2024-13-45',
    '2024-02-30',
    '2024-01-01T',
    '2024-01-01Tfoo',
    '2001-12-14 21:59:43.10 -5',
    '2024-1-1T1:2:3',
    '1e999',
    '0x10000000000000000',
    '-0x8000000000000000',
  ])('%s needs no quotes', (text) => {
    expect(written(text)).toBe(`        - ${text}\n`)
  })

  test.each([
    'y',
    'Y',
    'yes',
    'NO',
    'on',
    'Off',
    'OFF',
    'n',
    '<<',
    '1:30',
    '12:30:45',
    '-1:30',
    '190:20:30.15',
    '*',
    '*a',
    '&a',
    '!a',
    '%a',
    '@a',
    '`a',
    '|',
    '>',
    '{}',
    '[]',
    ',a',
    '"x',
    '#a',
    '-',
    '- a',
    '? a',
    ': a',
    'a: b',
    'a:',
    'a #b',
    '---',
    '--- a',
    '---a',
    '...',
    ' a',
    'a ',
    '{"x":1}',
  ])('%s stands in single quotes', (text) => {
    expect(written(text)).toBe(`        - '${text}'\n`)
  })

  test.each([
    '',
    '~',
    'null',
    'NULL',
    'true',
    'False',
    '123',
    '-5',
    '+5',
    '0x1F',
    '0X1F',
    '0o17',
    '017',
    '0B11',
    '08',
    '1_000',
    '1e3',
    '1E+3',
    '.5',
    '-.5',
    '5.',
    '.1_2',
    '.inf',
    '-.Inf',
    '.NaN',
    '-0',
    '00',
    '0_',
    '9999999999999999999999',
    '0xFFFFFFFFFFFFFFFF',
    '2024-01-01',
    '2024-1-1',
    '2024-02-29',
    '2024-01-01T10:00:00Z',
    '2024-01-01t10:00:00.5+02:00',
    '2024-01-01 10:00:00',
  ])('"%s" stands in double quotes, for it would be read back as something else', (text) => {
    expect(written(text)).toBe(`        - "${text}"\n`)
  })

  test.each([
    ["'x", "'''x'"],
    ['a\tb', '"a\\tb"'],
    ['\u001b[0m', '"\\e[0m"'],
    ['\u0001', '"\\x01"'],
    ['\u007f', '"\\x7F"'],
    ['\u0085', '"\\N"'],
    ['\ufeff', '"\\uFEFF"'],
    ['\uffff', '"\\uFFFF"'],
    ['😀', '"\\U0001F600"'],
    ['a\t"b\\', '"a\\t\\"b\\\\"'],
    ['a\t\u00a0', '"a\\t\u00a0"'],
  ])('%j is written %s', (text, yaml) => {
    expect(written(text)).toBe(`        - ${yaml}\n`)
  })

  test('is never folded, however long', () => {
    const long = `${'a'.repeat(300)} ${'b'.repeat(300)}`
    expect(written(long)).toBe(`        - ${long}\n`)
  })

  test.each([
    ['a\nb', '|-\n          a\n          b\n'],
    ['a\nb\n', '|\n          a\n          b\n'],
    ['a\n\n', '|+\n          a\n\n'],
    ['\na', '|-\n\n          a\n'],
    [' a\nb', '|4-\n           a\n          b\n'],
    ['a\n  b', '|-\n          a\n            b\n'],
    ['a\tb\nc', '|-\n          a\tb\n          c\n'],
    ['\n', '"\\n"\n'],
    [' \n', '" \\n"\n'],
    ['a \nb', '"a \\nb"\n'],
    ['a\nb ', '"a\\nb "\n'],
    ['a\r\nb', '"a\\r\\nb"\n'],
    ['😀\nx', '"\\U0001F600\\nx"\n'],
  ])('of several lines, %j, is written as a block where that keeps it', (text, yaml) => {
    expect(written(text)).toBe(`        - ${yaml}`)
  })

  test('with spaces in it is several on the command line', () => {
    expect(kernelArgumentsOf(kernelArguments('a=1  b', ' ', '-c'))).toEqual(['a=1', 'b', '-c'])
    expect(kernelArgumentsOf({})).toEqual([])
  })
})
