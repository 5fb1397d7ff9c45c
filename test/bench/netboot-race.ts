import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { waitFor } from '../lab/daemon.ts'
import { agent, buildBootImage, imageName, mac, openBootLab } from '../lab/lan/boot-lab.ts'
import type { Lan } from '../lab/lan/lan.ts'
import { runMachine } from '../lab/lan/machine.ts'
import { temporaryFolder } from '../lab/process.ts'
import { whyNoTftpd } from '../lab/tftpd.ts'
import { lastTransfer, type SeenTransfer } from './netboot-packets.ts'

const run = promisify(execFile)

/** Of what tftpd-hpa takes. */
const goal = 0.45
/** Where no server reaches that, because the machine itself takes longer: of what the least of all servers takes. */
const nearLeast = 1.1
/** Fills the image up to 105 MB. */
const megabytes = 85
/** In ms: what was seen is written at once, but a busy machine may take its time. */
const writtenWithin = 10_000

type Server = 'ours' | 'tftpd-hpa' | 'bare'

/**
 * How long the image takes into real firmware from our TFTP server, from Debian's tftpd-hpa in its place, and from one that does nothing
 * but answer, one after the other: from the request to the last acknowledgement on the wire. Answers whether the goal is reached,
 * or no server could, and says what it saw.
 */
export async function playRace(within: number): Promise<boolean> {
  const why = whyNoTftpd()
  if (why !== undefined) {
    console.log(`left out race: ${why}`)
    return true
  }
  const ours = await measureBoot('ours', within)
  const its = await measureBoot('tftpd-hpa', within)
  const bare = await measureBoot('bare', within)
  const [ratio, least] = [ours.took / its.took, bare.took / its.took]
  console.log(`         ours takes ${ratio.toFixed(2)} x tftpd-hpa (goal ≤ ${goal} x)`)
  if (ratio <= goal) return true
  const isNear = ours.took <= nearLeast * bare.took
  console.log(
    `         the least that any server takes here is ${least.toFixed(2)} x, and ours ${(ours.took / bare.took).toFixed(2)} x that (goal ≤ ${nearLeast} x where ${goal} x can't be reached)`,
  )
  return least > goal && isNear
}

/** @throws Error where it does not boot */
async function measureBoot(server: Server, within: number): Promise<SeenTransfer> {
  await using folder = await temporaryFolder()
  const share = join(folder.path, 'share')
  await mkdir(share)
  const image = join(share, imageName)
  await buildBootImage(image, { version: 'v1.13.9', megabytes })
  const files = server === 'ours' ? 'bootFiles: { listen: [eth0] }\n' : ''
  const place = `share: { directory: SHARE, server: ${agent} }\n`
  const proxy = 'proxyDhcp: { listen: [eth0] }\n'
  await using lab = await openBootLab({ folder: folder.path, config: `${place}${files}${proxy}` })
  const { lan, tap } = lab
  if (server === 'tftpd-hpa')
    lan.start('agent', 'in.tftpd', ['--foreground', '--address', `${agent}:69`, '--user', 'tftp', '--secure', share])
  if (server === 'bare') lan.start('agent', await buildBare(folder.path), [agent, image])
  const transfer = await watchTransfer(lan, join(folder.path, 'transfer.pcap'))
  const said = await runMachine(lan, {
    firmware: 'ovmf',
    folder: folder.path,
    tap,
    mac,
    limit: within,
    megabytes: 1_024,
  })
  if (!said.includes('@@KIT version v1.13.9')) throw new Error(`${server}: it did not boot: ${said.slice(-2_000)}`)
  const seen = await transfer()
  const { took, client, windowSize, blockSize, again } = seen
  console.log(
    `         ${server} ${took.toFixed(1)} s, of which the machine is awaited ${client.toFixed(1)} s and the server ${seen.server.toFixed(1)} s; ${windowSize} blocks of ${blockSize} bytes at once, ${again} sent again`,
  )
  return seen
}

async function buildBare(folder: string): Promise<string> {
  const program = join(folder, 'tftp-bare')
  await run('cc', ['-O2', '-o', program, fileURLToPath(new URL('tftp-bare.c', import.meta.url))])
  return program
}

/** Records what is sent by TFTP; what it answers tells of the last transfer, once its end is written. */
async function watchTransfer(lan: Lan, file: string): Promise<() => Promise<SeenTransfer>> {
  const filter = `udp and host ${agent} and not port 67 and not port 68 and not port 4011 and not port 53`
  const words = ['-i', 'br0', '-n', '-Z', 'root', '-s', '128', '-B', '16384', '-U', '-w', file, filter]
  const recorder = lan.start('lan', 'tcpdump', words)
  // It says so on stderr when it listens.
  await once(recorder.stderr!, 'data')
  return async () => {
    let seen: SeenTransfer | undefined
    await waitFor('the end of the transfer', writtenWithin, async () => {
      seen = lastTransfer(await readFile(file))
      return seen !== undefined
    })
    return seen!
  }
}
