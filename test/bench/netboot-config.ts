import { writeFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import type { MachineDetails } from '../../src/core/provision/requests.ts'
import { createAuthority } from '../lab/authority.ts'
import { waitFor } from '../lab/daemon.ts'
import { homelabSchematic } from '../lab/homelab.ts'
import { agent, type BootLab, mac, openBootLab } from '../lab/lan/boot-lab.ts'
import { runMachine } from '../lab/lan/machine.ts'
import { bundleOf } from '../lab/machine/bundle.ts'
import { temporaryFolder } from '../lab/process.ts'
import { buildRealUki } from '../lab/uki/real-uki.ts'

const version = 'v1.13.9'
const factoryPort = 8_500
/** In ms: until a release is staged and on the share. */
const stagedWithin = 60_000
/** In ms: a look is a command, which takes a while. */
const lookEvery = 500
const config = `factory: { url: 'http://${agent}:${factoryPort}' }
share: { directory: SHARE, publish: when-staged }
upgrade: { soak: 0s }
bootFiles: { listen: [eth0] }
proxyDhcp: { listen: [eth0] }
machineConfig: { listen: [eth0], way: plain, endpoint: 'https://192.168.78.50:6443', kubernetes: v1.34.1 }
`

/**
 * A machine boots the image that the daemon staged from a Factory, asks for its configuration with its MAC address and its UUID, is
 * pending, is approved on the command line, and gets exactly what was sent. Answers whether it did, and says what it saw.
 */
export async function playConfig(within: number): Promise<boolean> {
  await using folder = await temporaryFolder()
  const image = join(folder.path, 'image.efi')
  const url = `http://${agent}:8424/config?uuid=\${uuid}&mac=\${mac}`
  await buildRealUki(image, { version, environment: { CONFIG_URL: url, AFTER: 'poweroff' } })
  await mkdir(join(folder.path, 'share'))
  await mkdir(join(folder.path, 'machines'))
  await writeFile(join(folder.path, 'machines', 'machines.yaml'), 'install: { disk: /dev/vda }\n')
  const secrets = join(folder.path, 'secrets.yaml')
  await writeFile(secrets, stringify(await bundleOf(await createAuthority('talos'), await createAuthority('k8s'))))
  await using lab = await openBootLab({
    folder: folder.path,
    config,
    schematic: stringify(homelabSchematic),
    beside: [
      fileURLToPath(new URL('../lab/lan/factory-process.ts', import.meta.url)),
      agent,
      String(factoryPort),
      version,
      image,
    ],
  })
  const say = (text: string) => console.log(text.trim().replaceAll(/^/gm, '         '))
  say(await lab.caretaker('machine', 'secrets', secrets))
  await staged(lab)
  const began = performance.now()
  const options = { firmware: 'ovmf', folder: folder.path, tap: lab.tap, mac, megabytes: 768, limit: within } as const
  const booting = runMachine(lab.lan, options)
  const pending = await asked(lab, within)
  if (pending) {
    const after = ((performance.now() - began) / 1_000).toFixed(0)
    say(
      `it asked after ${after} s: ${pending.state}, ${pending.mac}, ${pending.uuid}, at ${pending.address}, code ${pending.code}`,
    )
    for (const { kind, text } of pending.evidence) say(`${kind}: ${text}`)
    say(await lab.caretaker('machine', 'approve', pending.code!, '--role', 'worker', '--name', 'worker-1', '--yes'))
  }
  const shown = await booting
  const [, bytes, sha256] = /@@KIT config-bytes (\d+) sha256 ([0-9a-f]{64})/.exec(shown) ?? []
  const after = await detailsOf(lab)
  say(
    `it got ${bytes ?? 'no'} bytes, ${sha256 ?? ''}; sent were ${after?.delivery?.sha256 ?? 'none'}, ${after?.state ?? 'unknown'}`,
  )
  const isItsOwn = shown.includes('@@KIT config| hostname: worker-1')
  const isRight = pending?.state === 'pending' && sha256 !== undefined && sha256 === after?.delivery?.sha256 && isItsOwn
  if (!isRight) say(shown.slice(-2_000))
  return isRight && after?.state === 'delivered'
}

async function detailsOf({ caretaker }: BootLab): Promise<MachineDetails | undefined> {
  const text = await caretaker('machine', 'show', mac, '--json')
  return text.startsWith('{') ? (JSON.parse(text) as MachineDetails) : undefined
}

async function staged({ caretaker }: BootLab): Promise<void> {
  const isStaged = async () => (await caretaker('staged')).includes(version)
  await waitFor(`${version} to be staged`, stagedWithin, isStaged, lookEvery)
}

/** Once it waits for a person; undefined where it does not in time. */
async function asked(lab: BootLab, within: number): Promise<MachineDetails | undefined> {
  let pending: MachineDetails | undefined
  const isPending = async () => {
    const details = await detailsOf(lab)
    pending = details?.state === 'pending' ? details : undefined
    return pending !== undefined
  }
  await waitFor('the machine to be pending', within, isPending, lookEvery).catch(() => {})
  return pending
}
