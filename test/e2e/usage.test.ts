import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '../lab/daemon.ts'
import { type Homelab, homelabSchematicId } from '../lab/homelab.ts'
import { type CliLab, startCliLab } from './cli-lab.ts'

let started: CliLab
let lab: Homelab
beforeAll(async () => {
  started = await startCliLab('usage', 67)
  ;({ lab } = started)
})
afterAll(() => started[Symbol.asyncDispose]())

const folder = () => started.folder()

test('commands that need the daemon say that none runs, and those that do not answer without it', async () => {
  const directory = await folder()
  const file = await lab.writeConfig(directory)
  expect(await runCli(['status', '-c', file])).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('start it with `caretaker start`'),
  })
  expect(await runCli(['releases', '--json', '-c', file])).toMatchObject({ code: 0, stdout: '[\n  "v1.13.9"\n]\n' })
  expect(await runCli(['plan', '-c', file])).toMatchObject({
    code: 0,
    stdout: 'release: v1.13.9 is the newest\nnothing to do\n',
  })
  expect(await runCli(['journal', '-c', file])).toMatchObject({ code: 0, stdout: 'no entries yet\n' })
  expect(await runCli(['alerts', '-c', file])).toMatchObject({ code: 0, stdout: 'no open alerts\n' })
  const schematic = join(directory, 'schematics', 'homelab.yaml')
  expect(await runCli(['schematic', 'id', schematic])).toMatchObject({ code: 0, stdout: `${homelabSchematicId}\n` })
  expect(await runCli(['uki', 'inspect', schematic])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is not an EFI program'),
  })
  expect(await runCli(['status', '-c', join(dirname(file), 'nothing.yaml')])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('nothing.yaml does not exist'),
  })
})

test.each([
  ['rollout', 'abort', ''],
  ['approve', ' '],
  ['stage', ''],
  ['stage', '--rollback', ''],
  ['stage', '--accept', ''],
  ['retry', ''],
  ['pause', '', 'why'],
  ['rollback', '', '--yes'],
  ['power', 'wake', ''],
  ['power', 'wake', '\n'],
  ['run', ''],
  ['ups', ''],
  ['notify', 'test', ''],
  ['journal', '--node', ''],
])('an argument that is given and empty is refused before anything is asked: %j', async (...words) => {
  const file = await lab.writeConfig(await folder())
  const { code, stdout, stderr } = await runCli([...words, '-c', file])
  expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(/^error: (argument|option) '.*' is empty\n/)])
})

test('a command that does not exist is usage, with the one that was meant', async () => {
  expect(await runCli(['statsu'])).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean status?') })
  expect((await runCli(['--help'])).code).toBe(0)
})
