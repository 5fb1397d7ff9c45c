import { hash } from 'node:crypto'
import { copyFile, open, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { lacks } from '../../lab/needs.ts'
import { fetchFile } from '../../lab/tftp-client.ts'
import { fetchByTftp, startTftpd, whyNoTftpd } from '../../lab/tftpd.ts'
import { createRandom } from '../../core/random.ts'
import { bootName, orderOf, type ShareLab, startShareLab } from './lab.ts'
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
    // Often enough, and so long that something was published meanwhile.
    const isEnough = () => got.length >= reads && published > reads
    while (!isEnough()) {
      expect(await fetchByTftp(`tftp://127.0.113.25:26113/${bootName}`, target)).toBe(0)
      got.push(known.indexOf(hash('sha256', await readFile(target))))
    }
    done.abort()
    await publishing
    await rm(target, { force: true })
    expect(got).not.toContain(-1)
  },
)

/** A name with the release in it, as `file: talos-{version}.efi` has them. */
const versioned = 'talos-v1.13.9.efi'

interface Happening {
  readonly name: string
  readonly file: string
  /** What happens in the middle of a transfer. */
  readonly happens: (at: ShareLab) => Promise<unknown>
  /** Whether the name is there afterwards. */
  readonly isThere: boolean
}

/** What a whole file becomes, put there under another name first. */
async function replace(path: string): Promise<void> {
  await copyFile(path, `${path}.new`)
  await overwrite(`${path}.new`)
  await rename(`${path}.new`, path)
}

async function overwrite(path: string): Promise<void> {
  await using file = await open(path, 'r+')
  for (let from = 0; from < 3_000_000; from += 100_000) await file.write('overwritten', from)
}

describe.skipIf(lacks(whyNoTftpd()))('what happens to a file in the middle of a transfer by TFTP', () => {
  const address = '127.0.113.26'

  /** Publishes both names, lets a machine read one, and something happen at a block of its choice; what the machine got. */
  async function read(at: ShareLab, { file, happens }: Pick<Happening, 'file' | 'happens'>, block: number) {
    await at.share.stage(orderOf('v1.13.9'), at.factory, soon())
    await at.share.publish(file, orderOf('v1.13.9'), soon())
    const { bytes, packets } = await fetchFile(file, {
      address,
      port: 26_114,
      options: { blksize: '1468' },
      beforeAnswer: async (answered) => void (answered === block && (await happens(at))),
    })
    return { isWhole: bytes.equals(at.image('v1.13.9')), packets }
  }

  const refOf = (version: string) => {
    const { kernelArguments: _, ...ref } = orderOf(version)
    return ref
  }

  test.each<Happening>([
    {
      name: 'it is pruned with its name',
      file: versioned,
      happens: (at) => at.share.prune({ images: [refOf('v1.13.9')], names: [versioned] }, soon()),
      isThere: false,
    },
    {
      name: 'the name serves another release, and its own is pruned',
      file: bootName,
      happens: async (at) => {
        await at.share.publish(bootName, orderOf('v1.13.10'), soon())
        await at.share.prune({ images: [refOf('v1.13.9')], names: [] }, soon())
      },
      isThere: true,
    },
    {
      name: 'something else takes it away',
      file: bootName,
      happens: (at) => rm(join(at.directory, bootName)),
      isThere: false,
    },
    {
      name: 'something else puts another in its place',
      file: bootName,
      happens: (at) => replace(join(at.directory, bootName)),
      isThere: true,
    },
  ])('where $name the machine gets it whole', { timeout: 60_000 + reads * 3_000 }, async (happening) => {
    await using at = await startShareLab('127.0.113.24', { imageBytes: 3_000_000 })
    await at.stage('v1.13.10', { publish: false })
    await using _ = await startTftpd(at.directory, address, 26_114)
    const random = createRandom(2)
    for (let time = 0; time < reads; time++) {
      const { isWhole, packets } = await read(at, happening, 1 + random.below(2_000))
      expect({ isWhole, packets: packets > 2_000 }).toEqual({ isWhole: true, packets: true })
      const there = await at.files()
      expect(there.includes(happening.file)).toBe(happening.isThere)
    }
  })

  test('where something else overwrites it in place the machine gets neither, and the next look tells', async () => {
    await using at = await startShareLab('127.0.113.24', { imageBytes: 3_000_000 })
    await using _ = await startTftpd(at.directory, address, 26_114)
    const happens = () => overwrite(join(at.directory, bootName))
    expect(await read(at, { file: bootName, happens }, 1_000)).toMatchObject({ isWhole: false })
    expect(await at.share.names()).toMatchObject([{ fault: 'has other bytes than were published' }])
  })
})
