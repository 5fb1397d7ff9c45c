import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createLiveSettings } from '../../src/main/live-settings.ts'
import { loadUsableSettings } from '../../src/main/settings.ts'
import { createAlerts } from '../../src/operations/alerts.ts'
import { memoryJournal } from '../fakes/journal.ts'
import { silentLog } from '../fakes/log.ts'
import { temporaryFolder } from '../lab/process.ts'

const good = 'schematic: homelab\nshare: { directory: share }\nstate: state\n'
const bad = `${good}upgrade: { soak: soon }\n`
const fault = /caretaker\.yaml:4:18: upgrade\.soak: use a duration such as 30s, 10m, 2h or 7d/

/** A configuration that a daemon follows, or has followed. */
async function lab(text = good) {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  const file = join(folder.path, 'caretaker.yaml')
  await writeFile(file, text)
  const journal = memoryJournal()
  const alerts = createAlerts(journal, () => new Date())
  const logged: string[] = []
  const log = { ...silentLog, error: (_: object, message: string) => void logged.push(message) }
  const start = async (environment: Readonly<Record<string, string>> = {}, pollInterval = 10) => {
    const settings = await loadUsableSettings(file, environment)
    return createLiveSettings({ settings, journal, alerts, log, pollInterval })
  }
  const open = () => alerts.all.map(({ id, severity, text: said }) => ({ id, severity, text: said }))
  return { path: folder.path, file, logged, start, open, said: () => journal.entries(20).map((entry) => entry.text) }
}

/** Follows the file for as long as the test lasts. */
function follow(settings: Awaited<ReturnType<Awaited<ReturnType<typeof lab>>['start']>>) {
  const stop = new AbortController()
  const ended = settings.follow(stop.signal)
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
}

describe('the configuration of a daemon that runs', () => {
  test('follows an edit in place, one by renaming, and says what counts from now on', async () => {
    const it = await lab()
    const settings = await it.start()
    follow(settings)
    await writeFile(it.file, `${good}upgrade: { soak: 1d }\n`)
    await expect.poll(() => settings.config.upgrade.soak).toBe(86_400_000)
    expect(it.said()).toEqual([`${it.file} was edited; now in effect: upgrade.soak`])
    await writeFile(join(it.path, '.new'), `${good}upgrade: { soak: 2d }\n`)
    await rename(join(it.path, '.new'), it.file)
    await expect.poll(() => settings.config.upgrade.soak).toBe(2 * 86_400_000)
  })

  test('says of what takes a restart that it does, with its path, until that edit is taken back', async () => {
    const it = await lab()
    const settings = await it.start()
    await writeFile(it.file, `${good}nodes: [{ name: cp-1, role: controlplane, address: 10.0.0.1 }]\n`)
    await settings.reread()
    const text = `${it.file} was changed since the start; restart needed for: nodes`
    expect(settings.pending).toBe(text)
    expect(it.open()).toEqual([{ id: 'config.restart', severity: 'info', text }])
    expect(settings.config.nodes).toEqual([])
    await writeFile(it.file, good)
    await settings.reread()
    expect([settings.pending, it.open()]).toEqual([undefined, []])
  })

  test('stays as it was through an edit that is wrong, which is a critical alert with its place until it is mended', async () => {
    const it = await lab(`${good}upgrade: { soak: 1d }\n`)
    const settings = await it.start()
    await writeFile(it.file, bad)
    await settings.reread()
    await settings.reread()
    expect(it.open()).toEqual([{ id: 'config.invalid', severity: 'critical', text: expect.stringMatching(fault) }])
    expect(it.said()).toHaveLength(1)
    expect(settings.fault).toMatch(fault)
    expect(settings.config.upgrade.soak).toBe(86_400_000)
    await writeFile(it.file, `${good}upgrade: { soak: 1d }\n`)
    await settings.reread()
    expect([settings.fault, it.open()]).toEqual([undefined, []])
  })

  test('stays as it was while its file is gone, and is mended by the same file', async () => {
    const it = await lab()
    const settings = await it.start()
    await rm(it.file)
    await settings.reread()
    await settings.reread()
    expect(it.logged).toHaveLength(1)
    expect(it.open()).toMatchObject([{ id: 'config.invalid', text: expect.stringContaining('does not exist') }])
    await writeFile(it.file, good)
    await settings.reread()
    expect(it.open()).toEqual([])
  })

  test('does not take a file that is still being written to', async () => {
    const it = await lab()
    const settings = await it.start({}, 200)
    follow(settings)
    const whole = `${good}upgrade:\n  soak: 1d\n  skip: [v1.14.0]\n`
    const began = performance.now()
    for (let length = whole.length - 20; performance.now() - began < 600; length++)
      await writeFile(it.file, whole.slice(0, length))
    await writeFile(it.file, whole)
    await expect.poll(() => settings.config.upgrade.skip).toEqual(['v1.14.0'])
    expect(it.said()).toEqual([`${it.file} was edited; now in effect: upgrade.skip, upgrade.soak`])
  })

  test('names the services whose section has changed', async () => {
    const it = await lab()
    const settings = await it.start()
    const changed: string[] = []
    settings.onSections((services) => changed.push(...services))
    await writeFile(it.file, `${good}upgrade: { soak: 1d }\n`)
    await settings.reread()
    expect(changed).toEqual([])
    await writeFile(it.file, `${good}queue: { url: 'redis://nas' }\n`)
    await settings.reread()
    expect(changed).toEqual(['queue'])
    expect(settings.pending).toBeUndefined()
  })
})

describe('a start with a configuration that is wrong', () => {
  /** A daemon has run with it before, and has ended. */
  async function afterRun() {
    const it = await lab(`${good}upgrade: { soak: 3d }\n`)
    await mkdir(join(it.path, 'state'))
    await (await it.start()).keep()
    return it
  }

  test('is refused where none was ever good', async () => {
    const it = await lab(bad)
    await expect(it.start()).rejects.toMatchObject({ code: 'misconfigured', message: expect.stringMatching(fault) })
  })

  test('takes the last good one, and is a critical alert with the place of the fault', async () => {
    const it = await afterRun()
    await writeFile(it.file, bad)
    const settings = await it.start()
    expect(settings.config.upgrade.soak).toBe(3 * 86_400_000)
    expect(it.open()).toMatchObject([
      { id: 'config.invalid', severity: 'critical', text: expect.stringMatching(fault) },
    ])
    // What is wrong must not become what is kept.
    await settings.keep()
    expect((await it.start()).config.upgrade.soak).toBe(3 * 86_400_000)
  })

  test.each([
    { what: 'is no YAML at all', text: 'schematic: [homelab\nstate: state\n' },
    { what: 'is half there, without the state directory', text: 'schematic: hom' },
    { what: 'is empty', text: '' },
    { what: 'quotes its state directory, and says more about it', text: `${bad}state: "state" # beside it\n` },
  ])('finds the last good one though the file $what', async ({ text }) => {
    const it = await afterRun()
    await writeFile(it.file, text)
    expect((await it.start()).config.upgrade.soak).toBe(3 * 86_400_000)
  })

  test('finds the last good one though the file is gone', async () => {
    const it = await afterRun()
    await rm(it.file)
    const settings = await it.start()
    expect(settings.fault).toContain('does not exist')
    expect(settings.config.upgrade.soak).toBe(3 * 86_400_000)
  })

  test('finds the last good one where $CARETAKER_STATE says, whatever the file says', async () => {
    const it = await afterRun()
    await rename(join(it.path, 'state'), join(it.path, 'elsewhere'))
    await writeFile(it.file, bad)
    await expect(it.start()).rejects.toMatchObject({ code: 'misconfigured' })
    const settings = await it.start({ CARETAKER_STATE: join(it.path, 'elsewhere') })
    expect(settings.config.upgrade.soak).toBe(3 * 86_400_000)
  })

  test('does not take what was kept of another file', async () => {
    const it = await afterRun()
    const other = join(it.path, 'other.yaml')
    await writeFile(other, bad)
    await expect(loadUsableSettings(other, {})).rejects.toMatchObject({ code: 'misconfigured' })
  })

  test('is mended while it runs', async () => {
    const it = await afterRun()
    await writeFile(it.file, bad)
    const settings = await it.start()
    await writeFile(it.file, `${good}upgrade: { soak: 4d }\n`)
    await settings.reread()
    expect(settings.config.upgrade.soak).toBe(4 * 86_400_000)
    expect(it.open()).toEqual([])
  })

  test('keeps the last good one as it was written, with its name, for its owner only', async () => {
    const it = await afterRun()
    const kept = join(it.path, 'state', 'last-good.yaml')
    expect(await readFile(kept, 'utf8')).toBe(
      `# The last good version of ${it.file}, kept by Caretaker\n${await readFile(it.file, 'utf8')}`,
    )
    expect((await stat(kept)).mode & 0o777).toBe(0o600)
  })

  test('that can keep nothing goes on without', async () => {
    const it = await lab()
    await writeFile(join(it.path, 'state'), 'no directory')
    await chmod(join(it.path, 'state'), 0o400)
    await expect((await it.start()).keep()).resolves.toBeUndefined()
  })
})
