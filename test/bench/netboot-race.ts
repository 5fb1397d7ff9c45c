import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { agent, buildBootImage, imageName, mac, openBootLab } from '../lab/lan/boot-lab.ts'
import type { Lan } from '../lab/lan/lan.ts'
import { runMachine } from '../lab/lan/machine.ts'
import { temporaryFolder } from '../lab/process.ts'
import { whyNoTftpd } from '../lab/tftpd.ts'

/** Of what tftpd-hpa takes. */
const goal = 0.45
/** Fills the image up to 105 MB. */
const megabytes = 85

/**
 * How long the image takes into real firmware from our TFTP server, and from Debian's tftpd-hpa in its place, one after the
 * other: from the request to the last acknowledgement on the wire. Answers whether the goal is reached, and says what it saw.
 */
export async function playRace(within: number): Promise<boolean> {
  const why = whyNoTftpd()
  if (why !== undefined) {
    console.log(`left out race: ${why}`)
    return true
  }
  const ours = await measureBoot('ours', within)
  const its = await measureBoot('tftpd-hpa', within)
  const ratio = ours / its
  console.log(
    `         ours ${ours.toFixed(1)} s, tftpd-hpa ${its.toFixed(1)} s: ${ratio.toFixed(2)} x (goal ≤ ${goal} x)`,
  )
  return ratio <= goal
}

/** In s. @throws Error where it does not boot */
async function measureBoot(server: 'ours' | 'tftpd-hpa', within: number): Promise<number> {
  await using folder = await temporaryFolder()
  const share = join(folder.path, 'share')
  await mkdir(share)
  await buildBootImage(join(share, imageName), { version: 'v1.13.9', megabytes })
  const files = server === 'ours' ? 'bootFiles: { listen: [eth0] }\n' : ''
  const place = `share: { directory: SHARE, server: ${agent} }\n`
  const proxy = 'proxyDhcp: { listen: [eth0] }\n'
  await using lab = await openBootLab({ folder: folder.path, config: `${place}${files}${proxy}` })
  const { lan, tap } = lab
  if (server === 'tftpd-hpa')
    lan.start('agent', 'in.tftpd', ['--foreground', '--address', `${agent}:69`, '--user', 'tftp', '--secure', share])
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
  return await transfer()
}

/** Records requests and acknowledgements; what it answers tells how long the last transfer took, in s. */
async function watchTransfer(lan: Lan, file: string): Promise<() => Promise<number>> {
  // RFC 1350: the first two bytes of a request are 1, and those of an acknowledgement 4.
  const filter = `udp and src host not ${agent} and ((udp[8:2] = 1 and dst port 69) or (udp[8:2] = 4 and dst host ${agent}))`
  const recorder = lan.start('lan', 'tcpdump', ['-i', 'br0', '-n', '-Z', 'root', '-s', '64', '-U', '-w', file, filter])
  // It says so on stderr when it listens.
  await once(recorder.stderr!, 'data')
  return async () => {
    // What the kernel holds back of what was seen.
    await sleep(1_000)
    const said = await lan.run('lan', 'tcpdump', ['-r', file, '-n', '-tt'])
    const lines = said.trim().split('\n')
    // The first request asks for the size alone.
    const begun = lines.findLast((line) => line.includes('RRQ'))
    const [from, to] = [begun, lines.at(-1)].map((line) => Number(line?.split(' ')[0]))
    if (!(to! > from!)) throw new Error(`no transfer was seen: ${said.slice(0, 500)}`)
    return to! - from!
  }
}
