import { execFile, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { env } from 'node:process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { edk2, rfc7440, seeded } from '../../core/netboot/tftp/wire.ts'
import { lacks } from '../../lab/needs.ts'
import { fetchFile } from '../../lab/tftp-client.ts'
import { ports, type ServedFolder, serveFolder } from './desk.ts'

const address = '127.0.120.5'
const run = promisify(execFile)
/** `SEEDS=1` fetches every size in every way, which takes minutes. */
const isWhole = env['SEEDS'] !== undefined
const sizes = isWhole ? [0, 511, 512, 1_468, 33_553_920, 100_000_001] : [0, 1_468, 400_001]
const blocks = isWhole ? [512, 1_024, 1_432, 1_468] : [1_468]
const windows = isWhole ? [1, 2, 4, 16, 64] : [4]

let served: ServedFolder
const files = new Map(sizes.map((size) => [size, randomBytes(size)]))
beforeAll(async () => {
  served = await serveFolder(address, { limits: { burst: 10_000 } })
  for (const [size, bytes] of files) await served.write(String(size), bytes)
})
afterAll(() => served[Symbol.asyncDispose]())

interface Way {
  readonly size: number
  readonly block: number
  readonly window: number
}

const at = [address, String(ports.tftp)] as const
/** Clients that people have, and the command that fetches a file with them; undefined where they can't do it so. */
const clients: Readonly<Record<string, (way: Way, target: string) => readonly string[] | undefined>> = {
  // It knows no windows, and of an empty file by any server it says `getpeername() failed` (curl 7.88).
  curl: ({ size, block, window }, target) =>
    window > 1 || size === 0
      ? undefined
      : `--silent --show-error --tftp-blksize ${block} --output ${target} tftp://${at.join(':')}/${size}`.split(' '),
  atftp: ({ size, block, window }, target) => [
    '--option',
    `blksize ${block}`,
    '--option',
    `windowsize ${window}`,
    '--get',
    '--remote-file',
    String(size),
    '--local-file',
    target,
    ...at,
  ],
  // Debian's tftp-hpa knows no options of its own but the mode.
  tftp: ({ size, block, window }, target) =>
    block === blocks[0] && window === 1 ? ['-m', 'binary', ...at, '-c', 'get', String(size), target] : undefined,
}

const ways = sizes.flatMap((size) =>
  blocks.flatMap((block) => (isWhole ? windows : [1, ...windows]).map((window) => ({ size, block, window }))),
)

describe.each(Object.keys(clients))('%s fetches every file byte for byte', (client) => {
  const isMissing = spawnSync(client, ['--version']).error !== undefined
  test.skipIf(lacks(isMissing ? `${client} is missing` : undefined))(
    'in every way',
    async () => {
      const target = join(served.root, `.${client}`)
      for (const way of ways) {
        const parameters = clients[client]!(way, target)
        if (!parameters) continue
        await rm(target, { force: true })
        await run(client, parameters, { timeout: 300_000, maxBuffer: 67_108_864 })
        // curl makes no file of nothing.
        const bytes = await readFile(target).catch(() => Buffer.alloc(0))
        expect({ ...way, isSame: bytes.equals(files.get(way.size)!) }).toEqual({ ...way, isSame: true })
      }
    },
    1_200_000,
  )
})

test.each([
  { name: 'EDK2', habits: edk2 },
  { name: 'a client of RFC 7440', habits: rfc7440 },
])(
  '$name fetches every file byte for byte over a network that loses packets',
  async ({ habits }) => {
    const random = seeded(11)
    for (const { size, block, window } of ways) {
      // A lost packet takes 20 ms in lock-step.
      const loses = () => random() < (size > 10_000_000 ? 0.0005 : 0.01)
      const options = { blksize: String(block), windowsize: String(window) }
      const fetched = await fetchFile(String(size), { address, port: ports.tftp, options, habits, loses })
      expect({ size, block, window, isSame: fetched.bytes.equals(files.get(size)!) }).toMatchObject({ isSame: true })
    }
  },
  1_200_000,
)
