import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { buildBootImage, imageName, mac, openBootLab } from '../lab/lan/boot-lab.ts'
import { whyNoLan } from '../lab/lan/lan.ts'
import { runMachine, whyNoMachine } from '../lab/lan/machine.ts'
import { hasRouter } from '../lab/lan/routers.ts'
import { lacks } from '../lab/needs.ts'
import { temporaryFolder } from '../lab/process.ts'
import { whyNoRealUki } from '../lab/uki/real-uki.ts'

const why =
  (await whyNoLan()) ??
  (existsSync('/dev/net/tun') ? undefined : 'there is no /dev/net/tun, which a virtual machine is plugged in by') ??
  (hasRouter('dnsmasq') ? undefined : 'dnsmasq is not installed') ??
  whyNoMachine('ovmf') ??
  whyNoRealUki()
/** In ms: an emulated machine beside all other tests. */
const patience = 400_000

test.skipIf(lacks(why, { alsoInCi: true }))(
  'real firmware boots the image that a daemon offers and serves beside a router, and people see how far it came',
  { timeout: 1.5 * patience },
  async () => {
    await using folder = await temporaryFolder()
    const share = join(folder.path, 'share')
    await mkdir(share)
    await buildBootImage(join(share, imageName), { version: 'v1.13.9' })
    const config = 'bootFiles: { listen: [eth0] }\nproxyDhcp: { listen: [eth0] }\n'
    await using lab = await openBootLab({ folder: folder.path, config })
    const { lan, tap, caretaker } = lab
    const said = await runMachine(lan, {
      firmware: 'ovmf',
      folder: folder.path,
      tap,
      mac,
      megabytes: 512,
      limit: patience,
    })
    expect(said).toContain('@@KIT version v1.13.9')
    expect(said).toContain('@@KIT config-bytes 15')
    expect(await caretaker('netboot', 'status', mac)).toMatch(
      /has started its system, .* blocks of\s+1468, 4 at a\s+time/,
    )
  },
)
