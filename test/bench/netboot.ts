// Real UEFI firmware (OVMF in QEMU, by software emulation) boots from a daemon of ours, beside a router whose dnsmasq gives
// addresses alone: `npm run netboot`, or `npm run netboot -- http large` for some of the scenarios. Needs root, /dev/net/tun,
// qemu-system-x86, ovmf, dnsmasq-base, iproute2, tcpdump, and what test/lab/uki/build-uki.sh names. A boot takes half a
// minute on two idle cores. SecureBoot takes sbsigntool, openssl and virt-fw-vars (PyPI's virt-firmware), HTTPS openssl, arm64
// qemu-system-arm, qemu-efi-aarch64 and test/lab/uki/fetch-arm64.sh /tmp/uki-cache-arm64.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { agent, buildBootImage, imageName as file, mac, openBootLab } from '../lab/lan/boot-lab.ts'
import { playConfig } from './netboot-config.ts'
import { playRace } from './netboot-race.ts'
import { type Lan, whyNoLan } from '../lab/lan/lan.ts'
import { type Firmware, runMachine, whyNoMachine } from '../lab/lan/machine.ts'
import { whyNoArm64Uki } from '../lab/uki/real-uki.ts'
import { temporaryFolder } from '../lab/process.ts'

const run = promisify(execFile)
/** How long a boot may take, in ms: emulation on a busy machine is slow. */
const within = Number(process.env['WITHIN'] ?? 420_000)
/** A machine that is left alone gives up after a minute of PXE and one of HTTP boot. */
const aloneFor = 100_000

interface Scenario {
  /** Lines of caretaker.yaml. */
  readonly config: string
  readonly megabytes?: number
  /** Firmware's HTTP boot in place of PXE. */
  readonly http?: boolean
  /** HTTP boot over TLS, with an authority that the firmware knows. */
  readonly isSecret?: boolean
  /** The key of the certificate; RSA where nothing is said. */
  readonly curve?: 'prime256v1' | 'secp384r1'
  readonly firmware?: Firmware
  /** The network card brings iPXE along. */
  readonly hasIpxe?: boolean
  /** Images are signed, and the firmware believes who signed them; `unsigned`: they are not. */
  readonly secureBoot?: 'signed' | 'unsigned'
  /** What is to become of each boot: the release that starts, or none. */
  readonly boots: readonly ('v1.13.9' | 'v1.14.0' | 'none')[]
  /** Before the second boot: a new release is published, and our magic packet starts the machine. */
  readonly isWoken?: boolean
}

const nodes = `nodes:
  - { name: cp-1, role: controlplane, address: 192.168.78.50 }
  - { name: w-1, role: worker, address: 192.168.78.60, mac: '${mac}' }
`
const proxy = 'proxyDhcp: { listen: [eth0] }\n'

const scenarios: Readonly<Record<string, Scenario>> = {
  whole: { config: proxy, boots: ['v1.13.9'] },
  'port-4011': { config: 'proxyDhcp: { listen: [eth0], offer: port-4011 }\n', boots: ['v1.13.9'] },
  http: { config: proxy, http: true, boots: ['v1.13.9'] },
  large: { config: proxy, megabytes: 85, boots: ['v1.13.9'] },
  never: { config: `${proxy}${nodes}netboot: { machines: [{ machine: w-1, boot: never }] }\n`, boots: ['none'] },
  once: {
    config: `${proxy}${nodes}netboot: { machines: [{ machine: w-1, boot: once }] }\n`,
    boots: ['v1.13.9', 'none'],
  },
  ipxe: { config: proxy, hasIpxe: true, boots: ['v1.13.9'] },
  https: {
    config: `proxyDhcp: { listen: [eth0], http: 'https://${agent}:8421' }\n`,
    http: true,
    isSecret: true,
    boots: ['v1.13.9'],
  },
  'https-ec': {
    config: `proxyDhcp: { listen: [eth0], http: 'https://${agent}:8421' }\n`,
    http: true,
    isSecret: true,
    curve: 'prime256v1',
    // Firmware takes RSA only, and gives up before the image.
    boots: ['none'],
  },
  'secure-boot': { config: proxy, firmware: 'ovmf-secure', secureBoot: 'signed', boots: ['v1.13.9'] },
  'secure-boot-unsigned': { config: proxy, firmware: 'ovmf-secure', secureBoot: 'unsigned', boots: ['none'] },
  arm64: {
    config: `${proxy}images: [{ name: arm64, architecture: arm64, file: ${file} }]\n`,
    firmware: 'aavmf',
    boots: ['v1.13.9'],
  },
  woken: { config: `${proxy}${nodes}`, boots: ['v1.13.9', 'v1.14.0'], isWoken: true },
}

const why = await whyNoLan()
if (why !== undefined) throw new Error(why)
/** What is more than boots. */
const stories: Readonly<
  Record<string, { readonly about: string; readonly play: (within: number) => Promise<boolean> }>
> = {
  config: { about: 'a machine that is approved gets its configuration', play: playConfig },
  race: { about: 'an image of 105 MB comes sooner than from tftpd-hpa', play: playRace },
}
const known = [...Object.keys(scenarios), ...Object.keys(stories)]
const wanted = process.argv.length > 2 ? process.argv.slice(2) : known
let failed = 0
for (const name of wanted) {
  const story = stories[name]
  if (story) {
    const isRight = await story.play(within)
    console.log(`${isRight ? 'ok    ' : 'FAILED'} ${name}: ${story.about}`)
    failed += isRight ? 0 : 1
    continue
  }
  const scenario = scenarios[name]
  if (!scenario) throw new Error(`there is no scenario ${name}, only ${known.join(', ')}`)
  const { firmware = 'ovmf' } = scenario
  const lacking = whyNoMachine(firmware) ?? (firmware === 'aavmf' ? whyNoArm64Uki() : undefined)
  if (lacking !== undefined) {
    console.log(`left out ${name}: ${lacking}`)
    continue
  }
  failed += await play(name, scenario)
}
process.exitCode = failed === 0 ? 0 : 1

/** Answers how many boots did not go as they are to. */
async function play(name: string, scenario: Scenario): Promise<number> {
  await using folder = await temporaryFolder()
  const share = join(folder.path, 'share')
  await mkdir(share)
  await makeKeys(folder.path, scenario.curve)
  await build(join(share, file), 'v1.13.9', scenario, folder.path)
  const { config, isSecret } = scenario
  const tls = isSecret ? 'tls: { certificate: boot.crt, key: boot.key }' : ''
  const files = `bootFiles: { listen: [eth0], http: { ${tls} } }\n`
  await using lab = await openBootLab({ folder: folder.path, config: `${files}${config}` })
  const { lan, tap, caretaker } = lab
  let wrong = 0
  for (const [index, release] of scenario.boots.entries()) {
    const began = performance.now()
    if (scenario.isWoken && index > 0) await publishAndWake(lan, folder.path, scenario, caretaker)
    const said = await boot(lan, tap, { folder: folder.path, scenario, limit: release === 'none' ? aloneFor : within })
    const started = /@@KIT version (\S+)/.exec(said)?.[1] ?? 'none'
    const took = ((performance.now() - began) / 1_000).toFixed(0)
    const isRight = started === release && (release === 'none' || said.includes('@@KIT config-bytes'))
    if (!isRight) wrong += 1
    console.log(`${isRight ? 'ok    ' : 'FAILED'} ${name}, boot ${index + 1}: started ${started} after ${took} s`)
    console.log((await caretaker('netboot', 'status', mac)).replaceAll(/^/gm, '         '))
    if (!isRight) console.log(said.slice(-2_000))
  }
  return wrong
}

async function build(path: string, version: string, scenario: Scenario, folder: string): Promise<void> {
  const { megabytes = 0, firmware, secureBoot } = scenario
  await buildBootImage(path, { version, megabytes, isArm64: firmware === 'aavmf' })
  const signer = ['--key', join(folder, 'boot.key'), '--cert', join(folder, 'boot.crt')]
  if (secureBoot === 'signed') await run('sbsign', [...signer, '--output', path, path])
}

/** One certificate is that of the server, of who signs images, and of the authority. */
async function makeKeys(folder: string, curve: Scenario['curve']): Promise<void> {
  const kind = curve === undefined ? ['rsa:2048'] : ['ec', '-pkeyopt', `ec_paramgen_curve:${curve}`]
  const words = ['req', '-x509', '-newkey', ...kind, ...'-nodes -sha256 -days 3650 -subj /CN=boot'.split(' ')]
  const files = ['-keyout', join(folder, 'boot.key'), '-out', join(folder, 'boot.crt')]
  await run('openssl', [...words, '-addext', `subjectAltName=IP:${agent}`, ...files])
}

interface Boot {
  readonly folder: string
  readonly scenario: Scenario
  readonly limit: number
}

function boot(lan: Lan, tap: string, { folder, scenario, limit }: Boot): Promise<string> {
  const { firmware = 'ovmf', megabytes, http = false, hasIpxe = false, isSecret, secureBoot } = scenario
  const certificate = join(folder, 'boot.crt')
  return runMachine(lan, {
    firmware,
    folder,
    tap,
    mac,
    limit,
    hasIpxe,
    isHttpOnly: http,
    megabytes: megabytes === undefined ? 512 : 1_024,
    signer: secureBoot === undefined ? undefined : certificate,
    authority: isSecret ? certificate : undefined,
  })
}

/** A new release takes the name, and the machine stays off until its card has heard our packet. */
async function publishAndWake(
  lan: Lan,
  folder: string,
  scenario: Scenario,
  caretaker: (...words: string[]) => Promise<string>,
): Promise<void> {
  const share = join(folder, 'share')
  await build(join(share, 'next.part'), 'v1.14.0', scenario, folder)
  await rename(join(share, 'next.part'), join(share, file))
  await caretaker('netboot', 'once', 'w-1')
  const digits = mac.split(':')
  // Six bytes of ff and then the address of the card, as a card looks for it.
  const magic = `udp[8:4] = 0xffffffff and udp[14:4] = 0x${digits.slice(0, 4).join('')} and udp[18:2] = 0x${digits.slice(4).join('')}`
  const card = lan.start('lan', 'tcpdump', ['-i', 'br0', '-n', '-c', '1', magic])
  const heard = once(card, 'exit')
  // It says so on stderr when it listens.
  await once(card.stderr!, 'data')
  console.log(`         ${(await caretaker('power', 'wake', 'w-1')).trim()}`)
  await heard
}
