import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify, stripVTControlCharacters } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { printedBy } from '../cli-document.ts'
import { widthOf } from '../../src/cli/width.ts'
import type { Screen } from './screens-process.ts'

/** What every command shows on terminals of 60, 80, 120 and 200 columns: `npm test -- test/cli/screens.test.ts -u` updates. */

let screens: readonly Screen[]
beforeAll(async () => {
  const script = fileURLToPath(new URL('screens-process.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', script], {
    maxBuffer: 64_000_000,
  })
  screens = JSON.parse(stdout) as readonly Screen[]
})

/** Those of a terminal. */
const drawn = () => screens.filter(({ columns }) => columns > 0)
const linesOf = ({ text }: Screen) => text.replace(/\n$/, '').split('\n')

test('no line of any command is wider than the terminal, whether it shows an answer or its help', () => {
  expect(screens.length).toBeGreaterThan(300)
  const tooWide = drawn().flatMap((screen) =>
    linesOf(screen)
      .filter((line) => widthOf(line) > screen.columns && !isOneWord(line))
      .map((line) => `${screen.line} at ${screen.columns}: ${line}`),
  )
  expect(tooWide).toEqual([])
})

test('what a command prints with --json is what its schema says, and nothing else', () => {
  const told = screens.filter(({ columns }) => columns === 0)
  expect(told.length).toBeGreaterThan(40)
  const undescribed: string[] = []
  for (const { line, text } of told) {
    const name = Object.keys(printedBy).find((one) => line === one || line.startsWith(`${one} `))
    if (name === undefined) {
      undescribed.push(line)
      continue
    }
    const value: unknown = JSON.parse(text)
    expect({ [line]: printedBy[name]!.schema.parse(value) }).toEqual({ [line]: value })
  }
  expect(undescribed).toEqual([])
})

/** What is to be copied is never broken: a token, an id. */
const isOneWord = (line: string) => /^[0-9a-z_]+$/.test(line)

test('every command shows what it did before', async () => {
  const shown = drawn().filter(({ line }) => !line.endsWith('--help') || line === '--help')
  const files = Map.groupBy(shown, ({ line }) => line)
  expect(files.size).toBeGreaterThan(35)
  for (const [line, all] of files) {
    const name = line
      .replaceAll(/ -.*| [a-z.-]+\.(yaml|efi)$/g, '')
      .replaceAll(' ', '-')
      .replace(/^--/, '')
    const text = all.map(
      ({ columns, text }) =>
        `${`── ${columns} columns `.padEnd(columns, '─')}\n$ caretaker ${line}\n${stripVTControlCharacters(text)}`,
    )
    await expect(text.join('\n')).toMatchFileSnapshot(`screens/${name}.txt`)
  }
})
