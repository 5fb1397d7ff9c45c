// Fetches a file on a machine of a lab's network, as firmware does. Its first argument is JSON: `by`, `address`, `name`, and with
// `halts` it says `half` in the middle and goes on when it is told to, by a line on its input. It prints the SHA-256 of what came.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import process from 'node:process'
import { fetchFile } from '../tftp-client.ts'

export interface Fetching {
  readonly by: 'tftp' | 'http'
  readonly address: string
  readonly name: string
  readonly halts?: true
}

/** Packets of TFTP, and bytes of HTTP, after which it halts. */
const [haltsAtBlock, haltsAtByte] = [400, 500_000]

const asked = JSON.parse(process.argv[2] ?? '{}') as Fetching
const { address, name, halts } = asked

async function halt(): Promise<void> {
  process.stdout.write('half\n')
  await once(process.stdin, 'data')
}

async function byTftp(): Promise<Buffer> {
  let isDue = halts === true
  const options = { blksize: '1468', windowsize: '4' }
  const { bytes } = await fetchFile(name, {
    address,
    port: 69,
    from: '0.0.0.0',
    options,
    beforeAnswer: async (block) => {
      if (!isDue || block < haltsAtBlock) return
      isDue = false
      await halt()
    },
  })
  return bytes
}

async function byHttp(): Promise<Buffer> {
  const request = get({ host: address, port: 80, path: `/${name}`, agent: false })
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  const parts: Buffer[] = []
  let size = 0
  let isDue = halts === true
  for await (const part of answer as AsyncIterable<Buffer>) {
    parts.push(part)
    size += part.length
    if (!isDue || size < haltsAtByte) continue
    isDue = false
    await halt()
  }
  return Buffer.concat(parts)
}

const bytes = await (asked.by === 'tftp' ? byTftp() : byHttp())
process.stdout.write(`${createHash('sha256').update(bytes).digest('hex')}\n`, () => process.exit())
