import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { NetbootMachineDetails } from '../../src/core/netboot/requests.ts'
import { createRandom } from '../core/random.ts'
import { endStore, startDaemon, waitFor } from '../lab/daemon.ts'
import { temporaryFolder } from '../lab/process.ts'
import { fetchFile } from '../lab/tftp-client.ts'

const host = '127.0.179.1'
const ports = { tftp: 6_969, http: 8_421 }
const image = 'metal-amd64-uki.efi'
const options = { blksize: '1468', windowsize: '4' }
/** Blocks of the image, of 1,468 bytes. */
const blocks = 400
/** `SEEDS=n` plays as many. */
const rounds = Math.max(5, Number(process.env['SEEDS'] ?? 1))

test(
  'a daemon that is killed while machines boot serves the next ones at once, and counts no boot twice',
  { timeout: rounds * 60_000 },
  async () => {
    await using stack = new AsyncDisposableStack()
    const { path: directory } = stack.use(await temporaryFolder())
    stack.defer(() => endStore(directory))
    const share = join(directory, 'share')
    for (const name of [share, join(directory, 'schematics')]) await mkdir(name)
    await writeFile(join(directory, 'schematics', 'homelab.yaml'), 'customization: {}\n')
    const bytes = randomBytes(blocks * 1_468 + 7)
    await writeFile(join(share, image), bytes)
    const config = join(directory, 'caretaker.yaml')
    const lines = [
      'schematic: homelab',
      'state: state',
      'share: { directory: share }',
      'factory: { url: http://127.0.179.9:9 }',
      'queue: { url: redis://127.0.0.1:9 }',
      `bootFiles: { listen: [${host}], tftp: { port: ${ports.tftp} }, http: { port: ${ports.http} } }`,
    ]
    await writeFile(config, `${lines.join('\n')}\n`)
    const random = createRandom(Number(process.env['SEED'] ?? 17))
    const fetch = (from: string, beforeAnswer?: (block: number) => void | Promise<void>) =>
      fetchFile(image, {
        address: host,
        port: ports.tftp,
        from,
        options,
        ...(beforeAnswer === undefined ? {} : { beforeAnswer }),
      })

    for (let round = 0; round < rounds; round += 1) {
      const daemon = await startDaemon({ config, directory })
      const [cut, whole] = [`127.0.179.${20 + 2 * round}`, `127.0.179.${21 + 2 * round}`]
      const tries = async (machine: string) => {
        const { tries: all } = await daemon.control.get<NetbootMachineDetails>(`/netboot/machines/${machine}`)
        return all.map(({ phase }) => phase)
      }
      // The ports are ours again as soon as it runs, though whoever had them was killed.
      expect((await fetch(whole)).bytes.equals(bytes)).toBe(true)
      const over = await globalThis.fetch(`http://${host}:${ports.http}/${image}`)
      expect(Buffer.from(await over.arrayBuffer()).equals(bytes)).toBe(true)
      await waitFor('its boot to be on record', 30_000, async () => (await tries(whole)).length === 1)
      expect(await tries(whole)).toEqual(['loaded'])
      // What was seen before the kill is still so, and no more than that.
      if (round > 0) {
        expect(await tries(`127.0.179.${21 + 2 * (round - 1)}`)).toEqual(['loaded'])
        expect(await tries(`127.0.179.${20 + 2 * (round - 1)}`).catch(() => [])).not.toContain('loaded')
      }
      const at = 1 + random.below(blocks - 1)
      const killed = Promise.withResolvers<void>()
      const transfer = fetch(cut, async (block) => {
        if (block < at) return
        killed.resolve(daemon.kill())
        await killed.promise
      }).catch(() => undefined)
      await killed.promise
      // Its process may have sent the rest before it noticed; half a file is never taken for a whole one.
      const got = await transfer
      expect(got === undefined || got.error !== undefined || got.bytes.equals(bytes)).toBe(true)
    }
  },
)
