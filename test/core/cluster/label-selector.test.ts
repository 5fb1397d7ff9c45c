import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseLabelSelector, type Requirement } from '../../../src/core/cluster/label-selector.ts'
import { matches } from '../../lab/kubernetes/selectors.ts'

/** What k8s.io/apimachinery v0.36 labels.Parse itself says of these. */
const golden = JSON.parse(readFileSync(new URL('golden-selectors.json', import.meta.url), 'utf8')) as readonly ({
  readonly text: string
} & ({ readonly requirements: readonly Requirement[] } | { readonly fault: string }))[]

const sorted = (parsed: ReturnType<typeof parseLabelSelector>) =>
  'fault' in parsed ? parsed : { requirements: parsed.requirements.map((one) => JSON.stringify(one)).toSorted() }

test('there are selectors of both sorts to judge', () => {
  expect(golden.filter((one) => 'fault' in one).length).toBeGreaterThan(80)
  expect(golden.filter((one) => 'requirements' in one).length).toBeGreaterThan(50)
})

test.each(golden)('a selector is read as the API server reads it: $text', ({ text, ...real }) => {
  expect(sorted(parseLabelSelector(text))).toEqual(sorted(real))
})

const a: Requirement = { key: 'a', operator: '=', values: ['b'] }

/** By the lexer of apimachinery (selector.go Lex, scanIDOrKeyword, scanSpecialSymbol), to which it is the end of a token, or of all. */
test.each<{ text: string; is: readonly Requirement[] }>([
  { text: '\0', is: [] },
  { text: ' \0a', is: [] },
  { text: 'a=b \0,c', is: [a] },
  { text: 'a=\0b', is: [a] },
  { text: 'a=b\0,c=d', is: [a, { key: 'c', operator: '=', values: ['d'] }] },
])('a NUL ends what is read: $text', ({ text, is }) => {
  expect(parseLabelSelector(text)).toEqual({ requirements: is })
})

describe('the labels of a workload suit a selector', () => {
  const labels = { app: 'db', rank: '7', empty: '', 'example.com/tier': 'batch' }
  const suits = (text: string) => {
    const parsed = parseLabelSelector(text)
    return 'requirements' in parsed && parsed.requirements.every((one) => matches(one, labels))
  }

  test.each([
    ['app', true],
    ['none', false],
    ['!app', false],
    ['!none', true],
    ['app=db', true],
    ['app==web', false],
    ['app!=web', true],
    ['none!=web', true],
    ['app in (web, db)', true],
    ['app notin (web, db)', false],
    ['none notin (web)', true],
    ['none in (web)', false],
    ['empty=', true],
    ['empty in ()', true],
    ['none=', false],
    ['none notin ()', true],
    ['rank>6', true],
    ['rank>7', false],
    ['rank<8', true],
    ['app>1', false],
    ['none>1', false],
    ['example.com/tier=batch,app', true],
    ['example.com/tier=batch,!app', false],
    ['constructor', false],
    [' ', true],
  ])('%s: %s', (text, suited) => {
    expect(suits(text)).toBe(suited)
  })
})
