import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { commandsPage, leavesOf, wholeProgram } from '../commands-page.ts'
import { callsIn, disarm, faultOf } from './command-line.ts'
import { readPages, root } from './pages.ts'

const isIncomplete = (fault: string) => /missing required argument|required option .* not specified/.test(fault)
const program = await wholeProgram()
const page = await commandsPage()
disarm(program)

// What is made from the command line needs no look.
const guides = readPages().filter(({ path }) => path !== 'docs/commands.md')
/** Every call of `caretaker` in all pages, with its place. */
const calls = guides.flatMap(({ path, fences, codes }) => [
  ...fences
    .filter(({ language }) => ['sh', 'bash', ''].includes(language))
    .flatMap(({ text, line, language }) =>
      text
        .replaceAll(/\\\n\s*/g, ' ')
        .split('\n')
        // Without a language it is a screen, where `$` is the prompt.
        .filter((one) => language !== '' || one.startsWith('$ '))
        .flatMap((one) => callsIn(one.replace(/^\$ /, '')))
        .map((words) => ({ place: `${path}:${line}`, words, isMention: false })),
    ),
  // A sentence may name a command without what it takes.
  ...codes.flatMap(({ text, line }) =>
    callsIn(text)
      .filter((words) => words.length > 0)
      .map((words) => ({ place: `${path}:${line}`, words, isMention: true })),
  ),
])

test('the page of all commands is that of the command line', async () => {
  expect(await readFile(join(root, 'docs/commands.md'), 'utf8')).toBe(page)
})

test('every call of caretaker in README and docs is one that the command line takes', async () => {
  const faults: string[] = []
  for (const { place, words, isMention } of calls) {
    const fault = await faultOf(program, words)
    if (fault !== undefined && !(isMention && isIncomplete(fault)))
      faults.push(`${place}: caretaker ${words.join(' ')}: ${fault}`)
  }
  expect(faults).toEqual([])
  expect(calls.length).toBeGreaterThan(150)
})

test('every command is named somewhere in the guides, not only in the reference', () => {
  const named = new Set(calls.map(({ words }) => words.join(' ')))
  const isNamed = (words: readonly string[]) =>
    [...named].some((call) => call === words.join(' ') || call.startsWith(`${words.join(' ')} `))
  expect(leavesOf(program).flatMap(({ words }) => (isNamed(words) ? [] : [words.join(' ')]))).toEqual([])
})

test('the commands in the table of README are commands', async () => {
  const table = /## Commands\n\n((?:\|.*\n)+)/.exec(readPages()[0]!.text)![1]!
  const named = table.split('\n').flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)])
  const faults: string[] = []
  for (const [, words] of named) {
    const fault = await faultOf(program, words!.split(' '))
    if (fault !== undefined && !isIncomplete(fault)) faults.push(fault)
  }
  expect(faults).toEqual([])
  expect(named.length).toBeGreaterThan(20)
})

test.each([
  { line: 'caretaker statsu', says: /unknown command 'statsu'/ },
  { line: 'caretaker status --watchful', says: /unknown option '--watchful'/ },
  { line: 'caretaker pause', says: /missing required argument 'node'/ },
  { line: 'caretaker power wake nas tower', says: /too many arguments/ },
  { line: 'caretaker run-now --for long', says: /use a duration/ },
  { line: 'caretaker token create phone --scope all', says: /Allowed choices are/ },
  { line: 'sudo -u caretaker caretaker config chek', says: /unknown command/ },
  { line: 'cd /srv && docker compose exec agent caretaker statsu', says: /unknown command 'statsu'/ },
])('$line is one that the command line does not take', async ({ line, says }) => {
  const [words] = callsIn(line)
  expect(await faultOf(program, words!)).toMatch(says)
})
