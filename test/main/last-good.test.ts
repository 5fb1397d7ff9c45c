import { execFileSync } from 'node:child_process'
import { mkdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createKeys } from '../../src/main/keys.ts'
import { keepLastGood, lastGoodIn } from '../../src/main/last-good.ts'
import { loadUsableSettings } from '../../src/main/settings.ts'
import { placesOfState } from '../../src/main/state-places.ts'
import { silentLog } from '../fakes/log.ts'
import { temporaryFolder } from '../lab/process.ts'

const good = 'schematic: homelab\nshare: { directory: share }\nstate: state\n'

/** A state directory of a daemon that has run, and its configuration. */
async function lab() {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  const file = join(folder.path, 'caretaker.yaml')
  const state = join(folder.path, 'state')
  await writeFile(file, good)
  await keepLastGood(state, file, good)
  return { file, state, kept: lastGoodIn(state) }
}

/** What a power cut, or a person, leaves in the place of a file. */
const damages: readonly { readonly how: string; readonly damage: (path: string) => unknown }[] = [
  { how: 'zeros', damage: (path) => writeFile(path, Buffer.alloc(4_096)) },
  { how: 'nothing in it', damage: (path) => truncate(path, 0) },
  { how: 'half of its first line', damage: (path) => truncate(path, 20) },
  { how: 'bytes that are no text', damage: (path) => writeFile(path, Buffer.alloc(9_000, 0xa5)) },
  { how: 'a directory', damage: (path) => rm(path).then(() => mkdir(path)) },
  { how: 'a pipe', damage: (path) => rm(path).then(() => execFileSync('mkfifo', [path])) },
  { how: 'a link to itself', damage: (path) => rm(path).then(() => symlink(path, path)) },
  { how: 'more than anybody writes', damage: (path) => truncate(path, 2 ** 33) },
]

describe('where the last good configuration should be there is', () => {
  test.each(damages)('$how: a daemon has run here all the same, and starts', async ({ damage }) => {
    const it = await lab()
    await damage(it.kept)
    // What is missing or wrong is an alert from then on, and no reason to leave the power unguarded.
    expect(await loadUsableSettings(it.file, {})).toMatchObject({ hasRun: true, fault: undefined, text: good })
  })

  test.each(damages)('$how, and the file is broken as well: it is told, and not waited for', async ({ damage }) => {
    const it = await lab()
    await damage(it.kept)
    await writeFile(it.file, 'schematic: [')
    await expect(loadUsableSettings(it.file, {})).rejects.toThrow(/caretaker\.yaml:1:\d+: /)
  })

  test.each(damages.filter(({ how }) => how !== 'a directory'))('$how: it takes its place again', async (sample) => {
    const it = await lab()
    await sample.damage(it.kept)
    await keepLastGood(it.state, it.file, good)
    expect(await readFile(it.kept, 'utf8')).toMatch(/^# The last good version of .*\nschematic: homelab\n/)
  })

  test('none: nobody has run here', async () => {
    const it = await lab()
    await rm(it.state, { recursive: true })
    expect(await loadUsableSettings(it.file, {})).toMatchObject({ hasRun: false })
  })
})

describe('what an earlier release has kept', () => {
  const earlier = `${good}power:\n  silence: 20s # as upsmon has it\n  wake: { stableFor: 2m }\n`

  test('guards the power under the new names, and the file is told to be fixed', async () => {
    const it = await lab()
    await keepLastGood(it.state, it.file, earlier)
    await writeFile(it.file, earlier)
    const { fault, text, config } = await loadUsableSettings(it.file, {})
    expect(fault?.split('\n')).toEqual([
      expect.stringMatching(/caretaker\.yaml:5:3: power\.silence: is now called power\.deadTime$/),
      expect.stringMatching(/caretaker\.yaml:6:11: power\.wake\.stableFor: is now called power\.wake\.stableAfter$/),
    ])
    expect(config.power).toMatchObject({ deadTime: 20_000, wake: { stableAfter: 120_000 } })
    expect(text).toBe(earlier.replace('silence', 'deadTime').replace('stableFor', 'stableAfter'))
  })

  test('and is wrong in another way is no better than none: the file is what has to be fixed', async () => {
    const it = await lab()
    await keepLastGood(it.state, it.file, `${good}gone: true\n`)
    await writeFile(it.file, 'schematic: [')
    await expect(loadUsableSettings(it.file, {})).rejects.toThrow(/caretaker\.yaml:1:\d+: /)
  })
})

test.each(damages)(
  'where a key should be there is $how: another is made, and kept where that may be',
  async (sample) => {
    const it = await lab()
    const before = await createKeys(it.state, silentLog)('tickets')
    expect(await createKeys(it.state, silentLog)('tickets')).toEqual(before)
    await sample.damage(join(it.state, 'keys', 'tickets'))
    const after = await createKeys(it.state, silentLog)('tickets')
    expect(after).toHaveLength(32)
    expect(after).not.toEqual(before)
    // A folder is not taken away, so that one lasts until the daemon ends.
    const next = await createKeys(it.state, silentLog)('tickets')
    expect(Buffer.compare(next, after) === 0).toBe(sample.how !== 'a directory')
  },
)

test('a line that may have been meant as the state directory is looked at once, however long it is', () => {
  const began = process.cpuUsage()
  for (const piece of [' ', '\n', '"', ': ', '[', 't'])
    expect(placesOfState('/etc/c.yaml', `stat${piece.repeat(100_000)}`, {})).toContain('/etc/state')
  expect(process.cpuUsage(began).user / 1_000).toBeLessThan(5_000)
  expect(placesOfState('/etc/c.yaml', 'stat = "/srv/c"\nstte: [/srv/d]\n', {})).toEqual(
    expect.arrayContaining(['/srv/c', '/srv/d']),
  )
})
