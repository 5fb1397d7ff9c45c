import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { differenceOf } from '../../src/cli/init/difference.ts'
import type { PlannedFile } from '../../src/cli/init/files.ts'
import { pathIn } from '../../src/cli/init/interview.ts'
import { adviceOnFolder, findInstallation, howToStart } from '../../src/cli/init/surroundings.ts'
import { writeFiles } from '../../src/cli/init/write-files.ts'
import { finishInit } from '../../src/main/interrupted-restore.ts'
import { findServiceUser } from '../../src/main/service-user.ts'
import { recordBeside } from '../../src/main/swap-files.ts'
import { demandWritable } from '../../src/main/writable.ts'
import { killDiskAfter } from '../lab/disk-cut.ts'

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

test('one that is killed at any moment has written all or nothing, once the next one has begun', async () => {
  const old = ['schematics/homelab.yaml', 'talosconfig', 'c.yaml']
  const files = [
    planned('schematics/homelab.yaml', { before: 'old\n' }),
    planned('talosconfig', { before: 'old\n', isSecret: true }),
    planned('ups-password', { isSecret: true }),
    planned('c.yaml', { before: 'old\n' }),
  ]
  const names = ['c.yaml', 'schematics/homelab.yaml', 'talosconfig', 'ups-password']
  const texts = async () =>
    Promise.all(names.map((name) => readFile(join(directory, name), 'utf8').catch(() => 'none\n')))
  const seen = new Set<string>()
  let isKilled = true
  for (let changes = 0; isKilled; changes++) {
    await rm(directory, { recursive: true })
    await mkdir(join(directory, 'schematics'), { recursive: true })
    for (const name of old) await writeFile(join(directory, name), 'old\n')
    {
      using cut = killDiskAfter(changes)
      await writeFiles(files, never).catch(() => {})
      isKilled = cut.isKilled
    }
    {
      using _ = killDiskAfter(changes % 4)
      await finishInit(join(directory, 'c.yaml')).catch(() => {})
    }
    const told = (await finishInit(join(directory, 'c.yaml')))?.told
    const now = await texts()
    expect(
      [['old\n', 'old\n', 'old\n', 'none\n'], names.map((name) => `new ${name}\n`)],
      `${changes}: ${told}`,
    ).toContainEqual(now)
    expect(now[0] === 'new c.yaml\n' || told === undefined).toBe(true)
    seen.add(now[0]!)
    await writeFiles(files, never)
    expect((await readdir(directory, { recursive: true })).filter((name) => name.startsWith('.'))).toEqual([])
  }
  expect(seen.size).toBe(2)
})

test('a record that another user has written is not followed', async () => {
  const record = recordBeside(join(directory, 'c.yaml'))
  await writeFile(join(directory, 'evil'), 'evil\n')
  await writeFile(join(directory, 'c.yaml'), 'old\n')
  const replacements = [{ beside: join(directory, 'evil'), target: join(directory, 'c.yaml') }]
  await writeFile(record, JSON.stringify({ what: 'the end', replacements }))
  if (process.geteuid?.() !== 0) return
  await chown(record, 4_711, 4_711)
  await expect(finishInit(join(directory, 'c.yaml'))).rejects.toThrow(/belongs to the user 4711/)
  expect(await readFile(join(directory, 'c.yaml'), 'utf8')).toBe('old\n')
})

test.skipIf(process.geteuid?.() !== 0)(
  'in a folder of root, secrets are for the user who runs the daemon, too',
  async () => {
    await writeFiles([planned('pw', { isSecret: true }), planned('c.yaml')], never, { uid: 4_711, gid: 4_712 })
    const { uid, gid, mode } = await stat(join(directory, 'pw'))
    expect({ uid, gid, mode: mode & 0o777 }).toEqual({ uid: 0, gid: 4_712, mode: 0o640 })
    expect(await modeOf('c.yaml')).toBe(0o644)
  },
)

test('who runs the daemon is known by the state directory, else by name', async () => {
  const passwd = join(directory, 'passwd')
  await writeFile(passwd, 'root:x:0:0:root:/root:/bin/sh\ncaretaker:x:996:995::/var/lib/caretaker:/usr/sbin/nologin\n')
  const at = (state: string, uid = 0) => findServiceUser(join(directory, state), { uid, passwd })
  expect(await at('none')).toEqual({ uid: 996, gid: 995 })
  expect(await at('none', 1_000)).toBeUndefined()
  await mkdir(join(directory, 'state'), { mode: 0o700 })
  if (process.geteuid?.() !== 0) return
  expect(await at('state')).toBeUndefined()
  await chown(join(directory, 'state'), 4_711, 4_712)
  expect(await at('state')).toEqual({ uid: 4_711, gid: 4_712 })
  await chmod(join(directory, 'state'), 0o1777)
  expect(await at('state')).toBeUndefined()
})

test.each<{ name: string; there: readonly string[]; file?: string; start: string }>([
  { name: 'a container', there: ['/usr/local/bin/caretaker-healthy'], start: 'docker compose up -d' },
  {
    name: 'a machine with a unit',
    there: ['/etc/systemd/system/caretaker.service'],
    start: 'systemctl restart caretaker',
  },
  { name: 'a package', there: ['/usr/lib/systemd/system/caretaker.service'], start: 'systemctl restart caretaker' },
  {
    name: 'another file beside a unit',
    there: ['/usr/lib/systemd/system/caretaker.service'],
    file: '/home/me/c.yaml',
    start: 'caretaker start -c /home/me/c.yaml',
  },
  { name: 'a checkout', there: [], start: 'caretaker start -c /etc/caretaker/caretaker.yaml' },
])('in $name the next step is $start', ({ there, file = '/etc/caretaker/caretaker.yaml', start }) => {
  expect(
    howToStart(
      file,
      findInstallation(file, (path) => there.includes(path)),
    ),
  ).toBe(start)
})

test('a folder that can not be written to is told with what to do, the container with its own way', async () => {
  await writeFile(join(directory, 'c.yaml'), '')
  const advice = adviceOnFolder('container')
  await expect(demandWritable(join(directory, 'c.yaml', 'below'), advice)).rejects.toThrow(
    /docker compose run --rm init/,
  )
  await expect(demandWritable('/proc/1/nowhere/at/all', adviceOnFolder('by hand'))).rejects.toThrow(/--config FILE/)
  await demandWritable(join(directory, 'new', 'folder'), advice)
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
