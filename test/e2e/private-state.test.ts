import { chmod, chown, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runCli, startDaemon, waitFor } from '../lab/daemon.ts'
import { temporaryFolder } from '../lab/process.ts'
import { isReadableByOthers } from '../lab/unprivileged.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A configuration that needs nobody: no cluster, no UPS, and a queue's store that is not there. */
async function writeSmallConfig(directory: string): Promise<string> {
  const config = join(directory, 'caretaker.yaml')
  await mkdir(join(directory, 'share'))
  await mkdir(join(directory, 'schematics'))
  await writeFile(join(directory, 'schematics', 'homelab.yaml'), 'customization: {}\n')
  await writeFile(
    config,
    'schematic: homelab\nshare: { directory: share }\nqueue: { url: redis://127.0.0.1:9 }\nstate: state\n',
  )
  return config
}

const others = async (path: string) => ((await stat(path)).mode & 0o077).toString(8)

test('a state directory that everybody could read is closed by the next start, the journal and its parts included', async () => {
  await using folder = await temporaryFolder()
  const config = await writeSmallConfig(folder.path)
  const state = join(folder.path, 'state')
  await mkdir(state)
  new DatabaseSync(join(state, 'journal.db')).close()
  for (const path of [state, join(state, 'journal.db')]) await chmod(path, 0o755)
  await using daemon = await startDaemon({ config, directory: folder.path })
  await waitFor('the start to be over', 10_000, () => daemon.output.includes('caretaker is running'))
  for (const name of [
    '',
    'journal.db',
    'journal.db-wal',
    'journal.db-shm',
    'lock.db',
    'last-good.yaml',
    'control.sock',
  ])
    expect({ name, others: await others(join(state, name)) }).toEqual({ name, others: '0' })
  expect(daemon.output).toContain('others could read the state directory')
})

test('a folder in the place of the control socket keeps neither the daemon from running nor commands from reaching it', async () => {
  await using folder = await temporaryFolder()
  const config = await writeSmallConfig(folder.path)
  const inTheWay = join(folder.path, 'state', 'control.sock')
  await mkdir(inTheWay, { recursive: true })
  await writeFile(join(inTheWay, 'kept'), '')
  await using daemon = await startDaemon({ config, directory: folder.path })
  expect((await runCli(['jobs', '-c', config])).code).toBe(0)
  expect(await daemon.stop()).toBe(0)
})

// Without a Docker engine: the folder as the image makes it, which is what a new volume gets.
test.skipIf(process.getuid?.() !== 0 || !(await isReadableByOthers()))(
  'any user of a container can use a new volume for the state, and a later one is told what to do',
  async () => {
    const mode = /install -d -m (\d+) \/var\/lib\/caretaker/.exec(await readFile(join(root, 'Dockerfile'), 'utf8'))?.[1]
    await using folder = await temporaryFolder()
    await chmod(folder.path, 0o755)
    const config = await writeSmallConfig(folder.path)
    const state = join(folder.path, 'state')
    await mkdir(state)
    await chmod(state, Number.parseInt(mode!, 8))
    for (const path of ['share', '.']) await chown(join(folder.path, path), 54_321, 54_321)
    const daemon = await startDaemon({ config, directory: folder.path, uid: 54_321, environment: { HOME: '/' } })
    expect(await others(join(state, 'journal.db'))).toBe('0')
    expect((await runCli(['jobs', '-c', config])).code).toBe(0)
    expect(await daemon.stop()).toBe(0)
    // The power is guarded all the same, and people are told what to do.
    await using later = await startDaemon({
      config,
      directory: folder.path,
      uid: 54_322,
      environment: { HOME: '/' },
      isMute: true,
    })
    expect(later.output).toMatch(/the state directory .*state.*54321.*chown -R/s)
  },
)
