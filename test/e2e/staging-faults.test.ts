import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { StagedImage } from '../../src/core/release/image.ts'
import { endStore, type LabDaemon, runCli, startDaemon, waitFor } from '../lab/daemon.ts'
import { type Homelab, homelabSchematicId, startHomelab } from '../lab/homelab.ts'
import { lacks } from '../lab/needs.ts'
import { isReadableByOthers } from '../lab/unprivileged.ts'

/** The real process, and a share on a small disk of its own that fails while an image comes. */

const lacking = lacks(process.getuid?.() === 0 ? undefined : 'only root can mount a small disk')
const bootName = 'metal-amd64-uki.efi'
const next = 'v1.13.10'

interface Scene extends AsyncDisposable {
  readonly lab: Homelab
  readonly share: string
  readonly config: string
  readonly daemon: LabDaemon
  /** Stages the next release by the command. Resolves when some of it is there; the rest trickles. */
  begin(): Promise<{ readonly ended: ReturnType<typeof runCli> }>
  /** The Factory offers a release, and the daemon hears of it: nobody asks for it to be staged. */
  offer(version: string): Promise<void>
  /** The ids of the alerts that are open. */
  alerts(): Promise<readonly string[]>
  /** The releases on the share, in order. */
  staged(): Promise<readonly string[]>
  mount(): void
  unmount(): void
}

/** A user without rights, who has the share and everything else of the daemon's. */
const somebody = 54_323

async function scene(net: number, { uid }: { readonly uid?: number } = {}): Promise<Scene> {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-share-fails-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  stack.defer(() => endStore(directory))
  const share = join(directory, 'share')
  await mkdir(share)
  const mount = () => void execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=755', 'tmpfs', share])
  const unmount = () => void execFileSync('umount', ['--lazy', share])
  mount()
  stack.defer(unmount)
  const lab = stack.use(await startHomelab({ net, controlPlanes: 1, workers: 0, versions: ['v1.13.9'] }))
  lab.factory.faults.redirect = true
  const overrides = { upgrade: { enabled: false }, share: { directory: share, checkEvery: '5s' } }
  const config = await lab.writeConfig(directory, overrides)
  if (uid !== undefined) execFileSync('chown', ['-R', `${uid}:${uid}`, directory])
  const as = uid === undefined ? {} : { uid, environment: { HOME: '/' } }
  const daemon = stack.use(await startDaemon({ config, directory, ...as }))
  const staged = async () =>
    (await daemon.control.get<readonly StagedImage[]>('/staged')).map(({ version }) => version).toSorted()
  await waitFor('the first image', 30_000, async () => (await staged()).includes('v1.13.9'))
  await waitFor('it to be published', 30_000, async () => (await readdir(share)).includes(`${bootName}.json`))
  const owned = stack.move()
  return {
    lab,
    share,
    config,
    daemon,
    staged,
    mount,
    unmount,
    offer: async (version) => {
      lab.factory.publish(version)
      await daemon.control.post('/jobs/watch-releases/run')
    },
    alerts: async () => (await daemon.control.get<readonly { readonly id: string }[]>('/alerts')).map(({ id }) => id),
    begin: async () => {
      lab.factory.faults.trickleAfterBytes = 50_000
      lab.factory.publish(next)
      const ended = runCli(['stage', next, '-c', config])
      await waitFor('some of it to be there', 30_000, async () => {
        const names = await readdir(share, { recursive: true })
        return names.some((name) => name.includes(next) && name.endsWith('.part'))
      })
      return { ended }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** What machines boot is the first release, whole. */
async function expectServed({ lab, share }: Scene): Promise<void> {
  const image = lab.factory.imageBytes(homelabSchematicId, 'v1.13.9', bootName)
  expect((await readFile(join(share, bootName))).equals(image)).toBe(true)
}

const partsOn = async (share: string) =>
  (await readdir(share, { recursive: true })).filter((name) => name.includes('.part'))

test.skipIf(lacking)('a disk that runs full while an image comes', async () => {
  await using it = await scene(145)
  const { ended } = await it.begin()
  const photos = join(it.share, 'photos')
  // More than the disk has: all of it is taken.
  await writeFile(photos, Buffer.alloc(9_000_000)).catch(() => undefined)
  it.lab.factory.faults.trickleAfterBytes = undefined
  const { code, stderr, stdout } = await ended
  expect(code).not.toBe(0)
  expect(stdout + stderr).toMatch(/the share is full: free space in \/\S+\/talos\/v1\.13\.10\//)
  expect(await it.staged()).toEqual(['v1.13.9'])
  expect(await partsOn(it.share)).toEqual([])
  await expectServed(it)
  await rm(photos)
  expect(await runCli(['stage', next, '-c', it.config])).toMatchObject({ code: 0 })
  expect(await it.staged()).toEqual([next, 'v1.13.9'])
})

test.skipIf(lacking)('a share that is unmounted while an image comes', async () => {
  await using it = await scene(146)
  const { ended } = await it.begin()
  it.unmount()
  it.lab.factory.faults.trickleAfterBytes = undefined
  const { code, stderr, stdout } = await ended
  expect(code).not.toBe(0)
  expect(stdout + stderr).toMatch(/is gone: was the share unmounted\? Mount it again/)
  expect(await readdir(it.share)).toEqual([])
  // An empty disk in its place is not filled either.
  it.mount()
  const empty = await runCli(['stage', next, '-c', it.config])
  expect(empty.code).not.toBe(0)
  expect(empty.stdout + empty.stderr).toMatch(/is empty, where an image was published: is the share mounted\?/)
  expect(await readdir(it.share)).toEqual([])
  expect(await runCli(['stage', '-c', it.config])).toMatchObject({ code: 0 })
  await expectServed(it)
})

const failed = 'job.failed:stage-image'

test.skipIf(lacking)('a share without room is staged on by itself as soon as it has some', async () => {
  await using it = await scene(189)
  const photos = join(it.share, 'photos')
  await writeFile(photos, Buffer.alloc(9_000_000)).catch(() => undefined)
  await it.offer(next)
  await waitFor('the staging to fail', 30_000, async () => (await it.alerts()).includes(failed))
  expect(await it.staged()).toEqual(['v1.13.9'])
  await rm(photos)
  await waitFor('the next release to be staged', 30_000, async () => (await it.staged()).includes(next))
  await waitFor('the alert to be over', 10_000, async () => !(await it.alerts()).includes(failed))
  await expectServed(it)
})

test.skipIf(lacking || !(await isReadableByOthers()))(
  'a share that its owner has closed is told, and staged on by itself once it is open again',
  async () => {
    await using it = await scene(190, { uid: somebody })
    for (const [version, folder] of [
      [next, it.share],
      ['v1.13.11', join(it.share, 'talos')],
    ] as const) {
      await chmod(folder, 0o000)
      await it.offer(version)
      await waitFor('it to be told', 60_000, async () => (await it.alerts()).includes('share.away'))
      await waitFor('the staging to fail', 30_000, async () => (await it.alerts()).includes(failed))
      await chmod(folder, 0o755)
      await waitFor('the release to be staged', 30_000, async () => {
        const staged: readonly string[] = await it.staged().catch(() => [])
        return staged.includes(version)
      })
      expect(it.daemon.output).toContain('the share can be written again')
      await waitFor('both alerts to be over', 30_000, async () => {
        const open = await it.alerts()
        return !open.includes(failed) && !open.includes('share.away')
      })
      await expectServed(it)
    }
  },
)
