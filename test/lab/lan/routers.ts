import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Lan } from './lan.ts'

/** Real DHCP servers, on a machine of a lab's network called `router`, with addresses 192.168.78.100 to .150. */
export interface RouterOptions {
  /** Lines of its configuration, as a recipe gives them. */
  readonly lines?: readonly string[]
  /** A folder for its files. */
  readonly folder: string
}

export type RouterStart = (lan: Lan, options: RouterOptions) => Promise<void>

interface Router {
  readonly program: string
  readonly start: RouterStart
}

const found = (program: string) => existsSync(program)

export const routers = {
  dnsmasq: { program: '/usr/sbin/dnsmasq', start: startDnsmasq },
  kea: { program: '/usr/sbin/kea-dhcp4', start: startKea },
  isc: { program: '/usr/sbin/dhcpd', start: startIsc },
} satisfies Readonly<Record<string, Router>>

export const hasRouter = (name: keyof typeof routers) => found(routers[name].program)

async function startDnsmasq(lan: Lan, { lines = [], folder }: RouterOptions): Promise<void> {
  const file = join(folder, 'dnsmasq.conf')
  await writeFile(
    file,
    [
      'port=0',
      'interface=eth0',
      'bind-interfaces',
      'user=root',
      'dhcp-range=192.168.78.100,192.168.78.150,255.255.255.0,1h',
      'dhcp-authoritative',
      // Else it tries an address for 3 s before it offers it.
      'no-ping',
      `dhcp-leasefile=${join(folder, 'leases')}`,
      ...lines,
      '',
    ].join('\n'),
  )
  lan.start('router', routers.dnsmasq.program, ['--keep-in-foreground', `--conf-file=${file}`, '--pid-file='])
  await listening(lan)
}

async function startKea(lan: Lan, { lines = [], folder }: RouterOptions): Promise<void> {
  const file = join(folder, 'kea.json')
  const own = JSON.parse(`{${lines.join('\n')}}`) as object
  const Dhcp4 = {
    'interfaces-config': { interfaces: ['eth0'] },
    'lease-database': { type: 'memfile', persist: false },
    'valid-lifetime': 3_600,
    subnet4: [{ id: 1, subnet: '192.168.78.0/24', pools: [{ pool: '192.168.78.100 - 192.168.78.150' }] }],
    ...own,
  }
  await writeFile(file, JSON.stringify({ Dhcp4 }))
  const places = { KEA_PIDFILE_DIR: folder, KEA_LOCKFILE_DIR: folder }
  lan.start('router', routers.kea.program, ['-c', file], places)
  await listening(lan)
}

async function startIsc(lan: Lan, { lines = [], folder }: RouterOptions): Promise<void> {
  const file = join(folder, 'dhcpd.conf')
  const leases = join(folder, 'dhcpd.leases')
  await writeFile(leases, '')
  await writeFile(
    file,
    [
      'authoritative;',
      // Else it tries an address for a second before it offers it.
      'ping-check false;',
      ...lines,
      'subnet 192.168.78.0 netmask 255.255.255.0 { range 192.168.78.100 192.168.78.150; }',
      '',
    ].join('\n'),
  )
  const words = ['-4', '-f', '-cf', file, '-lf', leases, '-pf', join(folder, 'dhcpd.pid'), '--no-pid', 'eth0']
  lan.start('router', routers.isc.program, words)
  await listening(lan)
}

/** Until port 67 is open there, by a socket of UDP or by one that hears all frames. */
async function listening(lan: Lan): Promise<void> {
  for (let tries = 0; tries < 1_000; tries += 1) {
    const sockets = await lan.run('router', 'cat', ['/proc/net/udp', '/proc/net/packet'])
    const lines = sockets.split('\n').filter((line) => /:0043 /.test(line) || /^[0-9a-f]{12,} /.test(line))
    if (lines.length > 0) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the DHCP server does not listen')
}
