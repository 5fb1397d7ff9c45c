import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../lab/daemon.ts'
import { temporaryFolder } from '../lab/process.ts'

/** What programs hear with `--json` when something is wrong: one object with the same fields, whatever it is. */

const valid = 'schematic: homelab\nshare: { directory: share }\nqueue: { url: redis://127.0.0.1:9 }\nstate: state\n'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
  await chmod(folder.path, 0o755)
  for (const name of ['share', 'schematics', 'a-directory']) await mkdir(join(folder.path, name))
  const files = {
    'good.yaml': valid,
    'bad.yaml': `${valid}power: { deadtime: 30 }\nupgrade: { soak: 7 }\n`,
    'broken.yaml': "state: '/srv\n",
    'large.yaml': '#'.repeat(10_485_760),
    'bomb.yaml': `a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n`,
    'doubtful.yaml': valid.replace('directory: share', 'directory: share, keep: 010'),
    'schematics/homelab.yaml': 'customization: {}\n',
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder.path, name), text)
})
afterAll(() => folder[Symbol.asyncDispose]())

const at = (name: string) => join(folder.path, name)

/** The faults of an answer, which is all that is said. */
async function faultsOf(...args: readonly string[]) {
  const { code, stdout, stderr } = await runCli([...args, '--json'], { CARETAKER_CONFIG: '' })
  expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
  const answer = JSON.parse(stdout) as { code: string; message: string; faults: readonly Record<string, unknown>[] }
  expect(answer).toMatchObject({ code: expect.any(String), message: expect.any(String) })
  expect(answer.faults.length).toBeGreaterThan(0)
  for (const fault of answer.faults)
    expect(Object.keys(fault).toSorted()).toEqual(['column', 'file', 'line', 'message', 'setting'])
  return { code: answer.code, faults: answer.faults }
}

test.each([
  {
    name: 'a setting that is wrong',
    file: 'bad.yaml',
    faults: [
      {
        line: 5,
        column: 10,
        setting: 'power.deadtime',
        message: 'is not a setting; did you mean deadTime?',
      },
      {
        line: 6,
        column: 18,
        setting: 'upgrade.soak',
        message: 'use a duration such as 30s, 10m, 2h or 7d; did you mean 7d?',
      },
    ],
  },
  {
    name: 'a file that is no YAML',
    file: 'broken.yaml',
    faults: [{ line: 2, column: 1, setting: null, message: 'a quote is opened and not closed' }],
  },
  {
    name: 'a directory',
    file: 'a-directory',
    faults: [{ line: null, column: null, setting: null, message: "can't be read: it is a directory" }],
  },
  {
    name: 'a file that is not there',
    file: 'nothing.yaml',
    faults: [{ line: null, column: null, setting: null, message: 'does not exist' }],
  },
  {
    name: 'a file of ten megabytes',
    file: 'large.yaml',
    faults: [{ line: null, column: null, setting: null, message: "can't be read: it is larger than 4 MiB" }],
  },
  {
    name: 'a file whose aliases multiply',
    file: 'bomb.yaml',
    faults: [
      {
        line: 2,
        column: 8,
        setting: null,
        message: 'aliases (*name) are not supported here: write the value out',
      },
    ],
  },
])('$name has the same fields for the check and for every other command', async ({ file, faults }) => {
  const path = at(file)
  const expected = { code: 'misconfigured', faults: faults.map((fault) => ({ file: path, ...fault })) }
  expect(await faultsOf('config', 'check', path)).toEqual(expected)
  expect(await faultsOf('releases', '-c', path)).toEqual(expected)
})

describe('wrong usage is told as JSON, too', () => {
  test.each([
    { args: ['config', 'check', '--onlin'], says: "unknown option '--onlin' (Did you mean --online?)" },
    { args: ['statsu'], says: "unknown command 'statsu' (Did you mean status?)" },
    {
      args: ['journal', '-n', 'x'],
      says: "option '-n, --limit <count>' argument 'x' is invalid. use a whole number above 0",
    },
    { args: ['run'], says: "missing required argument 'job'" },
  ])('$args', async ({ args, says }) => {
    const { code, faults } = await faultsOf(...args)
    expect(code).toBe('usage')
    expect(faults).toEqual([{ file: null, line: null, column: null, setting: null, message: says }])
  })
})

test('people read the same as lines, and what is valid has no fault', async () => {
  const read = (...args: string[]) => runCli(['config', 'check', ...args])
  expect(await read(at('a-directory'))).toMatchObject({
    code: 2,
    stdout: '',
    stderr: `caretaker: ${at('a-directory')}: can't be read: it is a directory\n`,
  })
  expect(await read('-c', at('bad.yaml'))).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      `${at('bad.yaml')}:5:10: power.deadtime: is not a setting; did you mean deadTime?\n`,
    ),
  })
  expect(await read(at('good.yaml'))).toMatchObject({ code: 0, stdout: `${at('good.yaml')} is valid\n`, stderr: '' })
  const { stdout } = await read(at('doubtful.yaml'), '--json')
  expect(JSON.parse(stdout)).toEqual({
    file: at('doubtful.yaml'),
    faults: [],
    warnings: [
      {
        file: at('doubtful.yaml'),
        line: 2,
        column: 34,
        setting: 'share.keep',
        message: 'is read as 10, and as an octal number by other programs: leave out the 0 at the front',
      },
    ],
    credentials: [],
  })
})
