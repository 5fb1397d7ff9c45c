import { hash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lacks } from '../../lab/needs.ts'
import { fetchByTftp, startTftpd, whyNoTftpd } from '../../lab/tftpd.ts'
import { createRandom } from '../../core/random.ts'
import { bootName, orderOf, startShareLab } from './lab.ts'
import { soon } from '../../patience.ts'

/** `SEEDS=200` reads so often. */
const reads = Number(process.env['SEEDS'] ?? 6)

test.skipIf(lacks(whyNoTftpd()))(
  'a machine that downloads by TFTP while another release is published gets one of them whole, every time',
  { timeout: 60_000 + reads * 3_000 },
  async () => {
    await using at = await startShareLab('127.0.113.24', { imageBytes: 3_000_000 })
    const versions = ['v1.13.9', 'v1.13.10']
    for (const version of versions) await at.stage(version)
    const known = versions.map((version) => hash('sha256', at.image(version)))
    await using _ = await startTftpd(at.directory, '127.0.113.25', 26_113)
    const random = createRandom(1)
    const target = join(tmpdir(), `caretaker-while-read-${process.pid}`)
    const got: number[] = []
    const done = new AbortController()
    let published = 0
    const publishing = (async () => {
      while (!done.signal.aborted) {
        await at.share.publish(bootName, orderOf(versions[published++ % 2]!), soon())
        await new Promise((resolve) => setTimeout(resolve, random.below(40)))
      }
    })()
    for (let read = 0; read < reads; read++) {
      expect(await fetchByTftp(`tftp://127.0.113.25:26113/${bootName}`, target)).toBe(0)
      got.push(known.indexOf(hash('sha256', await readFile(target))))
    }
    done.abort()
    await publishing
    await rm(target, { force: true })
    expect(got).not.toContain(-1)
    // Otherwise nothing was published meanwhile.
    expect(published).toBeGreaterThan(reads)
  },
)
