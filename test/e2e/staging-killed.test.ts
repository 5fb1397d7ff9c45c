import { hash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import type { StagedImage } from '../../src/core/release/image.ts'
import { createRandom } from '../core/random.ts'
import { endStore, type LabDaemon, startDaemon, waitFor } from '../lab/daemon.ts'
import { createFactory } from '../lab/factory/factory.ts'
import { homelabSchematic } from '../lab/homelab.ts'

/**
 * `SEEDS=40` kills so often, and `SEED=7` at other moments. Each kill is of a daemon that stages three images: of two
 * processors and two schematics, with the queue's own store.
 */
const kills = Number(process.env['SEEDS'] ?? 3)
const seed = Number(process.env['SEED'] ?? 1)

const gpu = { customization: { systemExtensions: { officialExtensions: ['siderolabs/i915'] } } }
const images = [
  { name: 'mini', file: 'mini.efi', asset: 'metal-amd64-uki.efi' },
  { name: 'board', file: 'board.efi', asset: 'metal-arm64-uki.efi', architecture: 'arm64' },
  { name: 'gpu', file: 'gpu.efi', asset: 'metal-amd64-uki.efi', schematic: 'gpu' },
] as const

test(
  `killed ${kills} times while three images are staged, machines always find whole images, and the end is as without a kill`,
  { timeout: 120_000 + kills * 30_000 },
  async () => {
    await using stack = new AsyncDisposableStack()
    const directory = await mkdtemp(join(tmpdir(), 'caretaker-staging-killed-'))
    stack.defer(() => rm(directory, { recursive: true, force: true }))
    stack.defer(() => endStore(directory))
    const factory = stack.use(createFactory({ address: '127.0.113.80', versions: ['v1.13.9'], imageBytes: 300_000 }))
    await factory.start()
    factory.faults.redirect = true
    const config = await writeSettings(directory, factory.url)
    const start = async () => stack.use(await startDaemon({ config, directory }))
    const random = createRandom(seed)
    const share = join(directory, 'share')

    /** Which releases each name may serve, and that it serves one of them, whole. */
    const served = async () =>
      Promise.all(
        images.map(async ({ file, asset }) => {
          const found = hash('sha256', await readFile(join(share, file)))
          const of = [...factory.schematics.keys()].flatMap((id) =>
            versions.map((version) => ({
              version,
              is: hash('sha256', factory.imageBytes(id, version, asset)) === found,
            })),
          )
          return of.find(({ is }) => is)?.version
        }),
      )
    const versions = ['v1.13.9']
    const isDone = async () => (await served().catch(() => [''])).every((version) => version === versions.at(-1))

    let daemon: LabDaemon = await start()
    await waitFor('the first images', 60_000, isDone)
    for (let kill = 0; kill < kills; kill++) {
      if (await isDone()) {
        versions.push(`v1.13.${versions.length + 9}`)
        factory.publish(versions.at(-1)!)
        factory.faults.bytesPerSecond = 150_000 + random.below(600_000)
        // An agent that starts looks for releases by itself.
        await daemon.kill()
        daemon = await start()
      }
      await sleep(random.below(4_500))
      await daemon.kill()
      for (const version of await served()) expect(versions.slice(-2)).toContain(version)
      daemon = await start()
    }
    factory.faults.bytesPerSecond = undefined
    await waitFor('the last images', 60_000, isDone)
    const look = async () => {
      const staged = await daemon.control.get<StagedImage[]>('/staged')
      const files = (await readdir(share, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
      return { staged, names: files.map(({ name }) => name).filter((name) => !name.includes('.part')) }
    }
    // Each image with its manifest, each name with its record. What a name has served within the hour stays.
    await waitFor('nothing to be left over', 60_000, async () => {
      const { staged, names } = await look()
      return names.length === 2 * staged.length + 2 * images.length
    })
    const { staged } = await look()
    expect(staged.length).toBeGreaterThanOrEqual(Math.min(2, versions.length) * images.length)
    expect(staged.filter(({ published }) => published).map(({ version }) => version)).toEqual(
      images.map(() => versions.at(-1)),
    )
    expect(await daemon.stop()).toBe(0)
  },
)

async function writeSettings(directory: string, url: string): Promise<string> {
  for (const folder of ['share', 'schematics']) await mkdir(join(directory, folder))
  await writeFile(join(directory, 'schematics', 'homelab.yaml'), stringify(homelabSchematic))
  await writeFile(join(directory, 'schematics', 'gpu.yaml'), stringify(gpu))
  const file = join(directory, 'caretaker.yaml')
  const settings = {
    schematic: 'homelab',
    factory: { url },
    share: { directory: 'share', downloads: 3 },
    images: images.map((one) => {
      const { asset: _, ...image } = one
      return image
    }),
    upgrade: { soak: '0s' },
    state: 'state',
  }
  await writeFile(file, stringify(settings))
  return file
}
