import { fileURLToPath } from 'node:url'
import { createServer } from 'node:http'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { program } from '../../src/cli/shell.ts'
import { keepLastGood } from '../../src/main/last-good.ts'
import { runCli } from '../lab/daemon.ts'
import { temporaryFolder } from '../lab/process.ts'

/** What reads files or asks others by itself, and never the daemon alone. */
const withoutDaemon = [
  'start',
  'init',
  'complete',
  'completion',
  'backup',
  'restore',
  'releases',
  'schematic id',
  'schematic diff',
  'schematic check',
  'schematic delivery',
  'uki inspect',
  'ups',
  'config check',
]

const packageFile = fileURLToPath(new URL('../../package.json', import.meta.url))

/** The whole tree of commands, as a user may type them, with something in the place of each argument and mandatory option. */
async function everyCommand(): Promise<readonly (readonly string[])[]> {
  // Without arguments it prints its help and ends there.
  process.argv.splice(2)
  program.configureOutput({ writeOut: () => {} })
  await import('../../src/cli.ts')
  const leaves = (command: Command, path: readonly string[]): (readonly string[])[] =>
    command.commands.length > 0
      ? command.commands.flatMap((one) => leaves(one, [...path, one.name()]))
      : [
          [
            ...path,
            ...command.registeredArguments
              .filter(({ required }) => required)
              // A file has to be there, whatever is in it.
              .map((one) => (one.name() === 'file' ? packageFile : (one.argChoices?.[0] ?? 'w-1'))),
            ...command.options.filter(({ long }) => long === '--yes').map(() => '--yes'),
            ...command.options.filter(({ mandatory }) => mandatory).flatMap(({ long }) => [long!, 'read']),
          ],
        ]
  return leaves(program, []).filter((command) => !withoutDaemon.some((one) => command.join(' ').startsWith(one)))
}

const commands = await everyCommand()
const urgent = [['power', 'cancel'], ['power', 'wake'], ['status'], ['pause', 'w-1'], ['alerts'], ['journal'], ['jobs']]

const good = (state: string) => `schematic: homelab
share: { directory: share }
upses: [{ host: 127.0.0.1, user: u, password: { file: ups-password } }]
state: ${state}
`

/** A daemon that hears what it is asked, and a configuration that it was started with. */
async function startHomelab({ state = 'data' } = {}) {
  const folder = await temporaryFolder()
  const config = join(folder.path, 'caretaker.yaml')
  const directory = join(folder.path, state)
  await mkdir(directory)
  await writeFile(config, good(state))
  await keepLastGood(directory, config, good(state))
  const socket = join(directory, 'control.sock')
  const server = createServer((request, response) =>
    response.writeHead(503).end(JSON.stringify({ code: 'not-now', detail: `heard ${request.method} ${request.url}` })),
  )
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  return {
    config,
    directory,
    socket,
    run: (command: readonly string[], environment = {}) => runCli([...command, '-c', config], environment),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await folder[Symbol.asyncDispose]()
    },
  }
}

const heard = /^caretaker: heard (GET|POST|DELETE) \//m
const warned = (why: string) => new RegExp(`^caretaker: warning: .*${why}.*`, 'm')

async function eachOf(
  list: readonly (readonly string[])[],
  look: (command: readonly string[]) => Promise<void>,
): Promise<void> {
  const rest = [...list]
  const work = async () => {
    for (let command = rest.shift(); command; command = rest.shift()) await look(command)
  }
  await Promise.all([work(), work(), work()])
}

/**
 * Two of the urgent: to call off a shutdown, and in turn another. All find the daemon by the same function, as the tests of
 * each command show; what differs is what that makes of the file.
 */
const twoOf = (index: number) => [urgent[0]!, urgent[1 + (index % (urgent.length - 1))]!]

test('the list of commands is the whole one', () => {
  const names = commands.map((command) => command.join(' '))
  expect(names.length).toBeGreaterThan(20)
  for (const command of urgent) expect(names).toContain(command.join(' '))
})

test('each command reaches the daemon though caretaker.yaml is no YAML, and warns with the place', async () => {
  await using it = await startHomelab()
  await writeFile(it.config, good('data').replace('upses: [', 'upses: [{ '))
  await eachOf(commands, async (command) => {
    const { code, stdout, stderr } = await it.run(command)
    expect({ command, code, stdout, stderr }).toEqual({
      command,
      code: 3,
      stdout: '',
      stderr: expect.stringMatching(heard),
    })
    expect(stderr).toMatch(warned(String.raw`caretaker\.yaml: line \d+, column \d+: `))
    expect(stderr).toContain(`this asks the daemon at ${it.socket}`)
  })
})

test('each command reaches the daemon though caretaker.yaml is gone', async () => {
  await using it = await startHomelab({ state: 'state' })
  await rm(it.config)
  await eachOf(commands, async (command) => {
    const { code, stderr } = await it.run(command)
    expect({ command, code, stderr }).toEqual({ command, code: 3, stderr: expect.stringMatching(heard) })
    expect(stderr).toMatch(warned(String.raw`caretaker\.yaml does not exist`))
  })
})

describe('what is urgent reaches the daemon', () => {
  const files: readonly { readonly name: string; readonly text: string; readonly warns: string | undefined }[] = [
    { name: 'a setting is unknown', text: `${good('data')}colour: red\n`, warns: 'colour: is not a setting' },
    { name: 'the colon of state is missing', text: good('data').replace('state:', 'state'), warns: 'line 4' },
    { name: 'the very key is misspelled', text: good('data').replace('state:', 'sate:'), warns: 'no daemon runs' },
    { name: 'state is a list', text: good('[data]'), warns: 'state is not a path' },
    { name: 'state is indented', text: good('data').replace('state:', '  state:'), warns: 'line 4' },
    { name: 'a tab is where a space should be', text: `nodes:\n\t- name: w-1\n${good('data')}`, warns: 'line 2' },
    { name: 'a key stands twice', text: `${good('data')}schematic: other\n`, warns: 'line 5' },
    { name: 'an alias leads nowhere', text: `${good('data')}schematics: *none\n`, warns: 'alias' },
    { name: 'a secret is missing, which the daemon tells by itself', text: good('data'), warns: undefined },
  ]
  test.each(files.map((one, index) => ({ ...one, asked: twoOf(index) })))(
    'though $name',
    async ({ text, warns, asked }) => {
      await using it = await startHomelab()
      await writeFile(it.config, text)
      await eachOf(asked, async (command) => {
        const { code, stderr } = await it.run(command)
        expect({ command, code, stderr }).toEqual({ command, code: 3, stderr: expect.stringMatching(heard) })
        expect(stderr).toMatch(warns === undefined ? /^caretaker: heard [^\n]*\n$/ : warned(warns))
      })
    },
  )

  test('though no good version of the file was kept, where the broken one names its state', async () => {
    await using it = await startHomelab()
    await rm(join(it.directory, 'last-good.yaml'))
    await writeFile(it.config, `${good('data')}nodes: [\n`)
    const { code, stderr } = await it.run(['power', 'cancel'])
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringMatching(heard) })
    expect(stderr).toMatch(warned('line 6'))
  })

  test('though the file can not be read', async () => {
    await using it = await startHomelab({ state: 'state' })
    await rm(it.config)
    await mkdir(it.config)
    await eachOf(twoOf(1), async (command) => {
      const { code, stderr } = await it.run(command)
      expect({ command, code, stderr }).toEqual({ command, code: 3, stderr: expect.stringMatching(heard) })
      expect(stderr).toMatch(warned("can't be read"))
    })
  })

  test('though the file is gone and the state lies elsewhere, where $CARETAKER_STATE says', async () => {
    await using it = await startHomelab({ state: 'elsewhere' })
    await rm(it.config)
    const { code, stderr } = await it.run(['power', 'cancel'], { CARETAKER_STATE: it.directory })
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringMatching(heard) })
  })
})

test('what is meant for one homelab is never sent to the daemon of another', async () => {
  await using it = await startHomelab({ state: 'state' })
  const other = join(it.directory, '..', 'other.yaml')
  await writeFile(other, 'nodes: [\n')
  const { code, stderr } = await runCli(['power', 'shutdown', '--now', '--yes', '-c', other], {
    CARETAKER_STATE: it.directory,
  })
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('other.yaml:2:1: ') })
})
