import { existsSync } from 'node:fs'
import { cp, glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { readClientSettings } from '../../src/config/state.ts'
import { makeBackup } from '../../src/main/backup.ts'
import { finishInterrupted } from '../../src/main/interrupted-restore.ts'
import { restoreBackup } from '../../src/main/restore.ts'
import { killDiskAfter } from '../lab/disk-cut.ts'
import { temporaryFolder } from '../lab/process.ts'

const former = new URL('../adapters/journal/journal-0.1.0.db', import.meta.url)
const now = new Date('2026-11-27T02:00:00Z')

/** Writes an installation, in which every file says which one it is of. */
async function install(folder: string, which: 'old' | 'new', state = 'state'): Promise<void> {
  const files: Readonly<Record<string, string>> = {
    'caretaker.yaml': `schematic: homelab\nshare: { directory: share }\nstate: ${state} # ${which}\n`,
    'schematics/homelab.yaml': `customization: {} # ${which}\n`,
    'schematics/gpu.yaml': `customization: {} # ${which}, too\n`,
    [`${state}/credentials/cert`]: which,
    [`${state}/snapshots/etcd-1`]: which,
  }
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  const journal = await readFile(former)
  // The same journal with another mark in a field that nobody reads (https://sqlite.org/fileformat.html, offset 68).
  journal.writeUInt32BE(which === 'old' ? 1 : 2, 68)
  await writeFile(join(folder, state, 'journal.db'), journal)
}

/** Every file of an installation, and what is in it; neither what is kept of the one before, nor locks. */
async function filesOf(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for await (const path of glob('**/*', { cwd: folder, exclude: (name) => name.startsWith('replaced-') }))
    if (!/replaced-|lock\.db$/.test(path) && !(await isFolder(join(folder, path))))
      found[path] = tell(path, await readFile(join(folder, path)))
  for await (const path of glob('**/.*', { cwd: folder }))
    // In a state directory that nobody uses any more.
    if (!(path === 'state/.restoring' && 'elsewhere/journal.db' in found)) found[path] = 'left behind'
  return found
}

/** Of the journal its mark: SQLite may settle the rest of it. */
const tell = (path: string, data: Buffer) =>
  path.endsWith('journal.db') ? `mark ${data.readUInt32BE(68)}` : data.toString()

const isFolder = (path: string) =>
  readFile(path).then(
    () => false,
    () => true,
  )

/** What a daemon would do at its start, with the configuration that is there. */
async function start(folder: string) {
  const file = join(folder, 'caretaker.yaml')
  if (!existsSync(file)) return []
  const { state } = readClientSettings(await readFile(file, 'utf8'))
  return finishInterrupted({ file, state: resolve(folder, state!) })
}

interface Case {
  readonly name: string
  /** What is there before; nothing where it is left out. */
  readonly before?: string
  /** The state directory of the backup. */
  readonly state?: string
  readonly noLinks?: boolean
  /** A change fails, and nobody is killed. */
  readonly once?: boolean
  readonly withoutConfiguration?: boolean
}

test.each<Case>([
  { name: 'over an older one', before: 'state' },
  { name: 'over one whose state is elsewhere', before: 'state', state: 'elsewhere' },
  { name: 'on a disk with a bad spot', before: 'state', once: true },
  { name: 'where the disk has no links', before: 'state', noLinks: true },
  { name: 'without the configuration', before: 'state', withoutConfiguration: true },
  { name: 'where there is nothing yet' },
])(
  'a restore $name that is killed at any moment has done all or nothing, and the next start says which',
  async ({ name, before, state, noLinks = false, once = false, withoutConfiguration = false }) => {
    await using scratch = await temporaryFolder()
    // What the disk really does is slow, and not what is tried here.
    using _ = killDiskAfter(Infinity)
    const at = (name: string) => join(scratch.path, name)
    await install(at('source'), 'new', state)
    const backup = at('all.backup')
    const source = join(at('source'), 'caretaker.yaml')
    await makeBackup({ to: backup, config: source, withSecrets: true, environment: {}, now })
    await mkdir(at('template'))
    if (before !== undefined) await install(at('template'), 'old', before)
    const restore = (folder: string) =>
      restoreBackup({
        from: backup,
        config: join(folder, 'caretaker.yaml'),
        withoutConfiguration,
        environment: {},
        now,
      })
    await cp(at('template'), at('goal'), { recursive: true })
    await restore(at('goal'))
    const [old, wanted] = [await filesOf(at('template')), await filesOf(at('goal'))]
    expect(wanted).not.toEqual(old)
    const seen = { old: 0, new: 0 }
    let isKilled = true
    // SEEDS: at each moment, else at some of each case.
    const step = process.env['SEEDS'] === undefined ? 7 : 1
    for (let changes = step === 1 ? 0 : name.length % step; isKilled; changes += step) {
      const folder = at(`try-${changes}`)
      await cp(at('template'), folder, { recursive: true })
      {
        using cut = killDiskAfter(changes, { noLinks, once })
        await restore(folder).catch(() => {})
        isKilled = cut.isKilled
      }
      // The next start may be killed as well.
      {
        using again = killDiskAfter(changes % 7, { noLinks })
        await start(folder)
        void again
      }
      const isNewAlready = isSame(without(await filesOf(folder)), wanted)
      const told = (await start(folder)).map((one) => one.told).join()
      const files = await filesOf(folder)
      const isNew = told.includes('is finished now') || !isKilled || isSame(files, wanted)
      const which = isNew ? 'new' : 'old'
      // Without a configuration nothing is started.
      const isStarted = existsSync(join(folder, 'caretaker.yaml'))
      expect({ changes, told, files }).toEqual({
        changes,
        told,
        files: isStarted ? { new: wanted, old }[which] : files,
      })
      seen[which] += 1
      // What is told is true.
      const isToldOld = told.includes('all is as it was')
      expect({ changes, isToldOld }).toEqual({ changes, isToldOld: isToldOld && which === 'old' })
      expect({ changes, told }).toEqual({ changes, told: isNewAlready ? told : told.replace('was complete', '') })
      const kept = which === 'new' && before !== undefined ? await keptOf(folder) : []
      expect({ changes, kept }).toEqual({
        changes,
        kept: kept.length === 0 ? [] : kept.filter((text) => /old|mark 1/.test(text)),
      })
      expect(kept.length > 0 || which === 'old' || before === undefined).toBe(true)
      // A person who does it again gets it in any case.
      await restore(folder)
      expect({ changes, files: await filesOf(folder) }).toEqual({ changes, files: wanted })
      await rm(folder, { recursive: true })
    }
    expect(Math.min(seen.old, seen.new)).toBeGreaterThan(before === undefined ? 0 : 1)
  },
)

/** Less what nobody has cleared away yet. */
function without(files: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(files).filter(([, text]) => text !== 'left behind'))
}

/** What is kept of the installation before. */
async function keptOf(folder: string): Promise<readonly string[]> {
  const texts: string[] = []
  for await (const path of glob('**/replaced-*/**/*', { cwd: folder }))
    if (!(await isFolder(join(folder, path)))) texts.push(tell(path, await readFile(join(folder, path))))
  return texts
}

function isSame(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  return isDeepStrictEqual(one, other)
}
