import { expect, test } from 'vitest'
import { connectionsWithin, parseOpenFiles } from '../../src/http/open-files.ts'

const limits = (soft: string) => `Limit                     Soft Limit           Hard Limit           Units
Max processes             15723                15723                processes
Max open files            ${soft.padEnd(20)} 524288               files
`

test.each([
  { says: limits('1024'), most: 1_024 },
  { says: limits('unlimited'), most: Infinity },
  { says: '', most: Infinity },
])('a process may have $most files open', ({ says, most }) => {
  expect(parseOpenFiles(says)).toBe(most)
})

test.each([
  { openFiles: Infinity, expected: 512 },
  { openFiles: 524_288, expected: 512 },
  { openFiles: 1_024, expected: 416 },
  { openFiles: 256, expected: 32 },
  { openFiles: 64, expected: 16 },
])('of $openFiles files the API gets $expected connections', ({ openFiles, expected }) => {
  expect(connectionsWithin(512, 1 / 2, openFiles)).toBe(expected)
})
