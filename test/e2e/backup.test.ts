import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { restoreBackup } from '../../src/main/restore.ts'
import { runCli, startDaemon } from '../lab/daemon.ts'
import { killDiskAfter } from '../lab/disk-cut.ts'
import { ownLauncher } from '../lab/launcher.ts'
import { lacks } from '../lab/needs.ts'
import { temporaryFolder } from '../lab/process.ts'

const former = new URL('../adapters/journal/journal-0.1.0.db', import.meta.url)
const secret = 'nobody is to read this'

/** A homelab without a cluster, whose configuration names a password and a key. */
async function writeHome(directory: string): Promise<string> {
  for (const name of ['share', 'schematics', 'keys', 'machines']) await mkdir(join(directory, name))
  await writeFile(join(directory, 'schematics', 'homelab.yaml'), 'customization: {}\n')
  await writeFile(join(directory, 'ups-password'), secret, { mode: 0o600 })
  const values = 'values: { nut-password: { file: nut-password } }\n'
  await writeFile(join(directory, 'machines', 'machines.yaml'), values)
  await writeFile(join(directory, 'machines', 'nut-client.yaml'), 'kind: ExtensionServiceConfig\n')
  await writeFile(join(directory, 'nut-password'), secret, { mode: 0o600 })
  await writeFile(join(directory, 'keys', 'nas'), secret, { mode: 0o600 })
  const config = join(directory, 'caretaker.yaml')
  const lines = [
    'schematic: homelab',
    'share: { directory: share }',
    'queue: { url: redis://127.0.0.1:9 }',
    'state: state',
    'upses: [{ name: ups, host: 127.0.0.1, port: 11, user: monuser, password: { file: ups-password } }]',
    'hosts: [{ name: nas, address: 127.0.0.1, shutdown: { ssh: { user: me, key: keys/nas, knownHosts: known_hosts } } }]',
  ]
  await writeFile(config, `${lines.join('\n')}\n`)
  return config
}

const backup = (config: string, file: string, ...more: string[]) => runCli(['backup', file, '-c', config, ...more])
const restore = (config: string, file: string, ...more: string[]) => runCli(['restore', file, '-c', config, ...more])

test('beside a daemon that runs everything is saved, without a secret, and is there on another machine', async () => {
  await using folder = await temporaryFolder()
  const config = await writeHome(folder.path)
  await mkdir(join(folder.path, 'state', 'snapshots'), { recursive: true })
  await writeFile(join(folder.path, 'state', 'snapshots', 'etcd-1.snapshot'), secret)
  await using daemon = await startDaemon({ config, directory: folder.path })
  expect((await runCli(['rollout', 'pause', 'a guest is here', '-c', config])).code).toBe(0)
  const file = join(folder.path, 'caretaker.backup')
  const saved = await backup(config, file)
  expect(saved).toMatchObject({ code: 0, stdout: expect.stringContaining('is written and read back: 5 files') })
  expect(saved.stderr).toContain(`${join(folder.path, 'keys', 'nas')}, ${join(folder.path, 'known_hosts')}`)
  expect(saved.stderr).toContain(join(folder.path, 'nut-password'))
  expect((await readFile(file)).includes(secret)).toBe(false)
  // It is not disturbed.
  expect((await runCli(['status', '-c', config])).code).toBe(0)
  const refused = await restore(config, file)
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/a daemon runs in .*stop it first/) })
  await daemon.stop()

  await using other = await temporaryFolder()
  const there = join(other.path, 'caretaker.yaml')
  expect(await restore(there, file)).toMatchObject({ code: 0, stdout: expect.stringContaining('5 files of') })
  expect(await readFile(there, 'utf8')).toBe(await readFile(config, 'utf8'))
  for (const name of ['machines/machines.yaml', 'machines/nut-client.yaml'])
    expect(await readFile(join(other.path, name), 'utf8')).toBe(await readFile(join(folder.path, name), 'utf8'))
  expect((await runCli(['journal', '-c', there])).stdout).toContain('a guest is here')
  expect((await stat(join(other.path, 'state', 'journal.db'))).mode & 0o777).toBe(0o600)
})

test('with secrets it has those too, and says so', async () => {
  await using folder = await temporaryFolder()
  const config = await writeHome(folder.path)
  for (const name of ['snapshots', 'credentials', 'keys']) {
    await mkdir(join(folder.path, 'state', name), { recursive: true })
    await writeFile(join(folder.path, 'state', name, 'one'), `${secret} ${name}`, { mode: 0o600 })
  }
  await writeFile(join(folder.path, 'state', 'snapshots', '.part-2'), 'half')
  const file = join(folder.path, 'caretaker.backup')
  const saved = await backup(config, file, '--with-secrets')
  expect(saved).toMatchObject({ code: 0, stderr: expect.stringContaining('gives access to the cluster') })
  await using other = await temporaryFolder()
  expect((await restore(join(other.path, 'caretaker.yaml'), file)).code).toBe(0)
  for (const path of [
    'ups-password',
    'nut-password',
    'keys/nas',
    'state/snapshots/one',
    'state/credentials/one',
    'state/keys/one',
  ]) {
    expect(await readFile(join(other.path, path), 'utf8'), path).toContain(secret)
    expect((await stat(join(other.path, path))).mode & 0o777, path).toBe(0o600)
  }
  expect(await readdir(join(other.path, 'state', 'snapshots'))).toEqual(['one'])
})

test('a journal of 0.1.0 is saved as it is, restored, and taken on by the daemon that starts then', async () => {
  await using folder = await temporaryFolder()
  const config = await writeHome(folder.path)
  const state = join(folder.path, 'state')
  await mkdir(state)
  await copyFile(former, join(state, 'journal.db'))
  const file = join(folder.path, 'caretaker.backup')
  expect((await backup(config, file)).code).toBe(0)
  await rm(state, { recursive: true })
  expect((await restore(config, file)).code).toBe(0)
  const daemon = await startDaemon({ config, directory: folder.path })
  expect((await runCli(['journal', '-n', '100', '-c', config])).stdout).toContain('its disk is being replaced')
  await daemon.stop()
  // The daemon has brought it to the newest format. Back to before that, as a release that does not read it would have to.
  const now = formatIn(state)
  const back = await restore(config, join(state, 'journal.db.format-0'))
  expect(back).toMatchObject({ code: 0, stdout: expect.stringMatching(/what was there before is in .*replaced-/) })
  expect(formatIn(state)).toBe(0)
  const [kept] = (await readdir(state)).filter((name) => name.startsWith('replaced-'))
  expect(formatIn(join(state, kept!, 'state'))).toBe(now)
})

function formatIn(directory: string): unknown {
  using database = new DatabaseSync(join(directory, 'journal.db'), { readOnly: true })
  return database.prepare('PRAGMA user_version').get()!['user_version']
}

test('what is newer, damaged or can not be put in place is refused before anything is touched', async () => {
  await using folder = await temporaryFolder()
  const config = await writeHome(folder.path)
  const state = join(folder.path, 'state')
  await mkdir(state)
  await copyFile(former, join(state, 'journal.db'))
  const file = join(folder.path, 'caretaker.backup')
  const before = async () => [await readFile(config, 'utf8'), formatIn(state), (await readdir(folder.path)).toSorted()]
  {
    using database = new DatabaseSync(join(state, 'journal.db'))
    database.exec('PRAGMA user_version = 99')
  }
  expect((await backup(config, file)).code).toBe(0)
  const was = await before()
  const newer = await restore(config, file)
  expect(newer).toMatchObject({ code: 2, stderr: expect.stringMatching(/format 99.*: restore it with Caretaker/) })
  const whole = await readFile(file)
  whole[700]! ^= 1
  await writeFile(file, whole)
  expect(await restore(config, file)).toMatchObject({ code: 1, stderr: expect.stringContaining('is damaged') })
  expect(await before()).toEqual(was)
  expect((await readdir(state)).filter((name) => /^(\.rest|replaced)/.test(name))).toEqual([])
})

test('what is replaced is kept, what is the same is left alone, and the configuration on demand', async () => {
  await using folder = await temporaryFolder()
  const config = await writeHome(folder.path)
  const state = join(folder.path, 'state')
  const file = join(folder.path, 'caretaker.backup')
  await (await startDaemon({ config, directory: folder.path })).stop()
  expect((await backup(config, file)).code).toBe(0)
  const text = await readFile(config, 'utf8')
  await writeFile(config, `${text}# mine\n`)
  await chmod(config, 0o640)
  const left = await restore(config, file, '--no-configuration', '--json')
  expect(JSON.parse(left.stdout)).toMatchObject({ restored: [join(state, 'journal.db')] })
  expect(await readFile(config, 'utf8')).toContain('# mine')
  const { restored, kept } = JSON.parse((await restore(config, file, '--json')).stdout) as {
    restored: string[]
    kept: string
  }
  expect(restored).toEqual([config])
  expect(await readFile(config, 'utf8')).toBe(text)
  expect(await readFile(join(kept, 'configuration', 'caretaker.yaml'), 'utf8')).toContain('# mine')
  // Whoever starts then finds nothing odd.
  await using daemon = await startDaemon({ config, directory: folder.path })
  expect(daemon.output).not.toMatch(/damaged|set aside/)
})

test('a journal that a daemon has left in the middle of its work is kept whole', async () => {
  await using folder = await temporaryFolder()
  const config = await writeHome(folder.path)
  const state = join(folder.path, 'state')
  const file = join(folder.path, 'caretaker.backup')
  await (await startDaemon({ config, directory: folder.path })).stop()
  expect((await backup(config, file)).code).toBe(0)
  const daemon = await startDaemon({ config, directory: folder.path })
  expect((await runCli(['rollout', 'pause', 'a guest is here', '-c', config])).code).toBe(0)
  await daemon.kill()
  expect(await readdir(state)).toContain('journal.db-wal')
  const { kept } = JSON.parse((await restore(config, file, '--json')).stdout) as { kept: string }
  expect((await readdir(state)).filter((name) => name.startsWith('journal.db'))).toEqual(['journal.db'])
  expect(await readdir(join(kept, 'state'))).toEqual(['journal.db'])
  using database = new DatabaseSync(join(kept, 'state', 'journal.db'), { readOnly: true })
  expect(database.prepare("SELECT 1 FROM records WHERE value LIKE '%a guest is here%'").all()).not.toEqual([])
})

test.each<{ name: string; file: string; says: RegExp }>([
  { name: 'a full disk', file: '/dev/full', says: /\/dev\/full exists, and is not a whole backup/ },
  {
    name: 'a folder that is not there',
    file: 'FOLDER/none/b.backup',
    says: /b\.backup can't be written: it does not exist/,
  },
  { name: 'a file in place of a folder', file: 'FOLDER/caretaker.yaml/b.backup', says: /b\.backup can't be written: / },
])('a backup to $name is refused in our own words', async ({ file, says }) => {
  await using folder = await temporaryFolder()
  const config = await writeHome(folder.path)
  const made = await backup(config, file.replace('FOLDER', folder.path))
  expect(made).toMatchObject({ stderr: expect.stringMatching(says) })
  expect(made.stderr).not.toMatch(/internal error|ENO|ENOTDIR/)
})

test.skipIf(lacks(process.getuid?.() === 0 ? undefined : 'mounting is for root alone'))(
  'on a disk that is full or read-only nothing is restored, and the disk is named',
  async () => {
    await using folder = await temporaryFolder()
    const config = await writeHome(folder.path)
    const file = join(folder.path, 'all.backup')
    await (await startDaemon({ config, directory: folder.path })).stop()
    expect((await backup(config, file)).code).toBe(0)
    const small = join(folder.path, 'small')
    await mkdir(small)
    const tried = async (options: string, fill: string) => {
      const script = `mount -t tmpfs -o size=64k tmpfs "$1"; mkdir "$1/state"; ${fill}; ${options}; exec "$2" "$3" restore "$4" -c "$1/caretaker.yaml"`
      const { path } = await ownLauncher()
      const words = ['--mount', 'sh', '-c', script, '_', small, process.execPath, path, file]
      return promisify(execFile)('unshare', words).catch((error: unknown) => error)
    }
    expect(await tried('true', 'head -c 40000 /dev/zero > "$1/pad"')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/\.restoring can't be written to: no space is left on the disk/),
    })
    expect(await tried('mount -o remount,ro "$1"', 'true')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/small.* can't be written to .*mounted read-only/),
    })
  },
)

test('a daemon that starts after a restore was killed finishes it first, and says so', async () => {
  await using folder = await temporaryFolder()
  const config = await writeHome(folder.path)
  const state = join(folder.path, 'state')
  await mkdir(state)
  await copyFile(former, join(state, 'journal.db'))
  const file = join(folder.path, 'caretaker.backup')
  expect((await backup(config, file)).code).toBe(0)
  const text = await readFile(config, 'utf8')
  await writeFile(config, text.replace('schematic: homelab', 'schematic: another'))
  await writeFile(join(folder.path, 'schematics', 'another.yaml'), 'customization: {}\n')
  await writeFile(join(folder.path, 'schematics', 'homelab.yaml'), 'customization: { extraKernelArgs: [quiet] }\n')
  const record = join(state, '.restoring', 'replacements.json')
  for (let changes = 1; !existsSync(record); changes++) {
    using _ = killDiskAfter(changes)
    const order = { from: file, config, withoutConfiguration: false, environment: {}, now: new Date() }
    await restoreBackup(order).catch(() => {})
  }
  expect(await readFile(config, 'utf8')).toContain('schematic: another')
  await using daemon = await startDaemon({ config, directory: folder.path })
  expect(daemon.output).toMatch(/the restore of the backup of .* was interrupted, and is finished now/)
  expect(await readFile(config, 'utf8')).toBe(text)
  expect(await readFile(join(folder.path, 'schematics', 'homelab.yaml'), 'utf8')).toBe('customization: {}\n')
  expect((await runCli(['journal', '-c', config])).stdout).toContain('was interrupted, and is finished now')
  // It uses what was restored: nothing needs another start.
  expect((await runCli(['status', '-c', config])).stdout).not.toMatch(/restart|another/)
})
