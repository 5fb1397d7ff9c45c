import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { differenceOf } from '../../src/cli/init/difference.ts'
import type { PlannedFile } from '../../src/cli/init/files.ts'
import { pathIn } from '../../src/cli/init/interview.ts'
import { writeFiles } from '../../src/cli/init/write-files.ts'

let directory: string
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'caretaker-files-'))))
afterEach(() => rm(directory, { recursive: true, force: true }))

const planned = (name: string, more: Partial<PlannedFile> = {}): PlannedFile => ({
  path: join(directory, name),
  text: `new ${name}\n`,
  before: undefined,
  isSecret: false,
  ...more,
})
const never = new AbortController().signal
const modeOf = async (name: string) => (await stat(join(directory, name))).mode & 0o777

test('all are written, secrets for nobody else to read, in folders that are made', async () => {
  await writeFiles([planned('schematics/homelab.yaml'), planned('pw', { isSecret: true }), planned('c.yaml')], never)
  expect(await readFile(join(directory, 'schematics/homelab.yaml'), 'utf8')).toBe('new schematics/homelab.yaml\n')
  expect([await modeOf('pw'), await modeOf('c.yaml')]).toEqual([0o600, 0o644])
})

test('where one can not be written, none is', async () => {
  await writeFile(join(directory, 'c.yaml'), 'old\n')
  await mkdir(join(directory, 'a-folder'))
  const files = [planned('pw', { isSecret: true }), planned('c.yaml/below', {}), planned('c.yaml', { before: 'old\n' })]
  await expect(writeFiles(files, never)).rejects.toThrow(/below can't be written/)
  expect((await readdir(directory)).toSorted()).toEqual(['a-folder', 'c.yaml'])
  expect(await readFile(join(directory, 'c.yaml'), 'utf8')).toBe('old\n')
})

test('a person who leaves before the first takes its place has written nothing', async () => {
  const stop = new AbortController()
  const writing = writeFiles([planned('pw'), planned('c.yaml')], stop.signal)
  stop.abort(new Error('left'))
  await expect(writing).rejects.toThrow('left')
  expect(await readdir(directory)).toEqual([])
})

test('and so has one who leaves when the last lies ready', async () => {
  const stop = new AbortController()
  const last = {
    ...planned('c.yaml'),
    get isSecret() {
      stop.abort(new Error('left'))
      return false
    },
  }
  await expect(writeFiles([planned('pw'), last], stop.signal)).rejects.toThrow('left')
  expect(await readdir(directory)).toEqual([])
})

test('a link stays, and mode and text of what it leads to are kept and changed', async () => {
  await writeFile(join(directory, 'real.yaml'), 'old\n', { mode: 0o640 })
  await symlink('real.yaml', join(directory, 'c.yaml'))
  await writeFiles([planned('c.yaml', { before: 'old\n' })], never)
  expect(await readFile(join(directory, 'real.yaml'), 'utf8')).toBe('new c.yaml\n')
  expect(await modeOf('real.yaml')).toBe(0o640)
})

test('what is the same is not written', async () => {
  await writeFile(join(directory, 'c.yaml'), 'new c.yaml\n')
  const { ino } = await stat(join(directory, 'c.yaml'))
  await writeFiles([planned('c.yaml', { before: 'new c.yaml\n' })], never)
  expect((await stat(join(directory, 'c.yaml'))).ino).toBe(ino)
})

test('a change is shown with three lines around it', () => {
  const lines = (...all: (string | number)[]) => `${all.join('\n')}\n`
  expect(differenceOf(lines(1, 2, 3, 4, 5, 6, 7, 8, 9), lines(1, 2, 3, 4, 'five', 6, 7, 8, 9))).toEqual([
    '…',
    ' 2',
    ' 3',
    ' 4',
    '-5',
    '+five',
    ' 6',
    ' 7',
    ' 8',
  ])
  expect(differenceOf('a\n', 'a\n')).toEqual([])
  expect(differenceOf('', 'a\nb\n')).toEqual(['+a', '+b'])
})

test.each([
  { path: '/etc/caretaker/talosconfig', written: 'talosconfig' },
  { path: '/etc/caretaker/keys/nas', written: 'keys/nas' },
  { path: '/home/me/.talos/config', written: '/home/me/.talos/config' },
  { path: '/etc/caretaker', written: '/etc/caretaker' },
  { path: '/etc/caretaker-old/x', written: '/etc/caretaker-old/x' },
])('$path is written as $written', ({ path, written }) => {
  expect(pathIn('/etc/caretaker', path)).toBe(written)
})
