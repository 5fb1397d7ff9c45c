import { expect, test } from 'vitest'
import { lasting } from '../../src/core/lasting.ts'
import { jsonOf } from '../../src/http/json.ts'

const nodes = lasting({ nodes: [{ name: 'w-1', note: undefined }], '"quoted"': 1 })

test.each<{ name: string; value: unknown }>([
  { name: 'nothing', value: undefined },
  { name: 'null', value: null },
  { name: 'a word', value: 'a "word"' },
  { name: 'a list', value: [1, undefined, nodes] },
  { name: 'an object without anything that lasts', value: { a: undefined, b: { c: [] } } },
  { name: 'what lasts', value: nodes },
  { name: 'an object that holds what lasts', value: { first: 1, nodes, 'a "name"': 'x', gone: undefined, none: null } },
  { name: 'an object that holds it alone', value: { nodes } },
  { name: 'what lasts deeper down', value: { answer: { nodes } } },
  { name: 'what JSON does not know', value: { nodes, do: () => {}, [Symbol('other')]: 1, nan: Number.NaN } },
  { name: 'what is written in its own way', value: { nodes, toJSON: () => 'short' } },
  { name: 'a date beside what lasts', value: { nodes, at: new Date(0) } },
])('$name is written as JSON.stringify writes it', ({ value }) => {
  expect(jsonOf(value)).toBe(JSON.stringify(value))
  expect(jsonOf(value)).toBe(JSON.stringify(value))
})

test('what lasts is written once, whoever asks', () => {
  let written = 0
  const seen = lasting({
    get node() {
      written += 1
      return 'w-1'
    },
  })
  expect([jsonOf({ seen, at: 1 }), jsonOf({ seen, at: 2 }), jsonOf(seen)]).toEqual([
    '{"seen":{"node":"w-1"},"at":1}',
    '{"seen":{"node":"w-1"},"at":2}',
    '{"node":"w-1"}',
  ])
  expect(written).toBe(1)
})
