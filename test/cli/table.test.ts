import { stripVTControlCharacters, styleText } from 'node:util'
import { expect, test } from 'vitest'
import { canDraw, facts, hanging, table } from '../../src/cli/table.ts'
import { widthOf } from '../../src/cli/width.ts'
import { wrap } from '../../src/cli/wrap.ts'
import { createRandom } from '../core/random.ts'

const red = (text: string) => styleText('red', text, { validateStream: false })

test.each([
  { text: 'w-1', width: 3 },
  { text: red('w-1'), width: 3 },
  { text: '管理者', width: 6 },
  { text: '한국어', width: 6 },
  { text: '\u1112\u1161\u11ab', width: 2 },
  { text: 'é', width: 1 },
  { text: 'e\u0301', width: 1 },
  { text: '💾', width: 2 },
  { text: '❤\ufe0f', width: 1 },
  { text: '🇩🇪', width: 2 },
  { text: 'ｆｕｌｌ', width: 8 },
  { text: '█▒━…', width: 4 },
  { text: 'a\u200bb', width: 2 },
  { text: '', width: 0 },
])('$text takes $width columns', ({ text, width }) => {
  expect(widthOf(text)).toBe(width)
})

test('a sentence is broken between words, a word that is too long where the line ends', () => {
  expect(wrap('drain w-1 and then reboot it', 10)).toEqual(['drain w-1', 'and then', 'reboot it'])
  expect(wrap('sha256:0123456789 ok', 8)).toEqual(['sha256:0', '12345678', '9 ok'])
  expect(wrap('one\ntwo', 80)).toEqual(['one', 'two'])
  expect(wrap('', 5)).toEqual([''])
})

test('no mark is cut off from its letter, no wide letter in half, and no figure from its unit', () => {
  expect(wrap('e\u0301e\u0301e\u0301', 2)).toEqual(['e\u0301e\u0301', 'e\u0301'])
  expect(wrap('管理者', 5)).toEqual(['管理', '者'])
  expect(wrap('waits for 10 s', 12)).toEqual(['waits for', '10 s'])
})

test('a colour ends with its line and begins again on the next, so that cells can stand side by side', () => {
  expect(wrap(red('one two'), 3)).toEqual([red('one'), red('two')])
  expect(wrap(`a ${red('b c')} d`, 3)).toEqual([`a ${red('b')}`, `${red('c')} d`])
})

const columns = ['NODE', { title: 'ID', spare: true }, 'READY', { title: 'NOTE', flows: true }] as const
const note = 'cordoned by Caretaker for the upgrade to v1.13.9'

test('a table gives way in steps: sentences wrap, spare columns go, the last stands below, and at last everything wraps', () => {
  const at = (width: number) => table(columns, [['worker-1', '0123456789ab', 'yes', note]], width).split('\n')
  expect(at(120)).toEqual(['NODE      ID            READY  NOTE', `worker-1  0123456789ab  yes    ${note}`])
  expect(at(60)).toEqual([
    'NODE      ID            READY  NOTE',
    'worker-1  0123456789ab  yes    cordoned by Caretaker for the',
    '                               upgrade to v1.13.9',
  ])
  expect(at(45)).toEqual([
    'NODE      READY  NOTE',
    'worker-1  yes    cordoned by Caretaker for',
    '                 the upgrade to v1.13.9',
  ])
  expect(at(30)).toEqual([
    'NODE      READY',
    'worker-1  yes',
    '    cordoned by Caretaker for',
    '    the upgrade to v1.13.9',
  ])
  expect(at(9)).toEqual(['NOD  REA', 'E    DY', 'wor  yes', 'ker', '-1', ...wrap(note, 5).map((line) => `    ${line}`)])
})

test('without a terminal nothing is wrapped and nothing left out', () => {
  const rows = [['w-1', '0123456789ab', 'yes', `${note} ${note} ${note}`]]
  expect(table(columns, rows).split('\n')).toHaveLength(2)
})

test('a name whose text has no room beside it has it below', () => {
  expect(
    facts(
      [
        ['power', 'on mains'],
        ['', 'for 3 min'],
      ],
      11,
      80,
    ),
  ).toBe('power      on mains\n           for 3 min')
  expect(hanging('a very long heading of it: ', 'and its text', 30)).toBe(
    'a very long heading of it:\n    and its text',
  )
})

test('whatever is in a table, no line is wider than the terminal, and no letter is lost', () => {
  const draw = createRandom(7)
  const letters = ['a', 'b', '-', ' ', '管', '💾', 'e\u0301', 'W']
  const text = (most: number) =>
    Array.from({ length: draw.below(most) }, () => letters[draw.below(letters.length)]!).join('')
  for (let round = 0; round < 400; round++) {
    const width = 60 + draw.below(141)
    const count = 1 + draw.below(6)
    const heads = Array.from({ length: count }, () => ({
      title: 'T'.repeat(draw.below(8)),
      ...(draw.below(2) ? { flows: true as const } : {}),
    }))
    const rows = Array.from({ length: draw.below(4) }, () =>
      heads.map(() => (draw.below(3) ? text(60) : red(text(30)))),
    )
    const drawn = table(heads, rows, width)
    for (const line of drawn.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(width)
    const lettersOf = (one: string) =>
      Array.from(stripVTControlCharacters(one).replaceAll(/[\sT]/g, '')).toSorted().join('')
    expect(lettersOf(drawn)).toBe(lettersOf(rows.flat().join('')))
  }
})

test.each([
  { term: 'xterm-256color', can: true },
  { term: 'dumb', can: false },
  { term: '', can: false },
  { term: undefined, can: false },
])('the cursor of a terminal with TERM=$term is moved: $can', ({ term, can }) => {
  expect(canDraw({ TERM: term })).toBe(can)
})
