import { execFile, spawn, spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitFor } from '../lab/daemon.ts'
import { placeBuild } from '../lab/package.ts'
import { type Debian, makeDebian, packageOf, whyNoDebian } from './debian.ts'

const run = promisify(execFile)

/**
 * The package on a machine that systemd has booted, in a container of systemd's own (systemd-nspawn), with NUT's upsd and dummy-ups.
 * It takes minutes, root and a mirror of Debian, and is run by hand: CARETAKER_BOOT=1 npm test -- test/install/boot.test.ts
 */
function whyNotBooted(): string | undefined {
  if (!process.env['CARETAKER_BOOT']) return 'a whole machine is booted only with CARETAKER_BOOT=1'
  if (spawnSync('systemd-nspawn', ['--version']).status !== 0)
    return 'systemd-nspawn is missing: install systemd-container'
  return whyNoDebian()
}

const why = whyNotBooted()

const files: Readonly<Record<string, string>> = {
  'etc/hostname': 'caretaker-vm\n',
  'etc/nut/nut.conf': 'MODE=standalone\n',
  'etc/nut/upsd.conf': 'LISTEN 127.0.0.1 3493\n',
  'etc/nut/ups.conf': '[ups]\n  driver = dummy-ups\n  port = lab.dev\n',
  'etc/nut/lab.dev': 'ups.status: OL CHRG\nbattery.charge: 100\nbattery.runtime: 3600\nups.load: 20\n',
  'etc/caretaker/schematics/homelab.yaml': 'customization: {}\n',
  'etc/caretaker/caretaker.yaml':
    'schematic: homelab\nshare: { directory: /srv/pxe }\nupses: [{ name: ups, host: 127.0.0.1 }]\n',
}

describe.skipIf(why !== undefined)('the service on a booted machine', { timeout: 600_000 }, () => {
  let folder: string
  let debian: Debian
  let nspawn: ReturnType<typeof spawn>
  let leader: string
  const inside = async (...command: readonly string[]) => {
    const env = ['/usr/bin/env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'SYSTEMD_PAGER=cat']
    const order = ['-t', leader, '-m', '-u', '-i', '-n', '-p', '--', ...env, ...command]
    return run('nsenter', order).then(
      ({ stdout }) => stdout.trim(),
      (error: { stdout: string; stderr: string }) => error.stdout.trim() + error.stderr.trim(),
    )
  }
  const property = (name: string) => inside('systemctl', 'show', 'caretaker', '--value', '--property', name)
  const guards = async () => (await inside('caretaker', 'power', 'status')).includes('on mains power')

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'caretaker-boot-'))
    debian = (await makeDebian())!
    await placeBuild(join(folder, 'dist'))
    await cp(await packageOf('0.1.0', join(folder, 'dist'), folder), join(debian.path, 'root/one.deb'))
    await cp(await packageOf('0.2.0', join(folder, 'dist'), folder), join(debian.path, 'root/two.deb'))
    await debian.run('apt-get', 'update')
    const wanted = ['systemd', 'systemd-sysv', 'dbus', 'nut-server', 'procps']
    const installed = await debian.run('apt-get', 'install', '-y', '--no-install-recommends', ...wanted)
    if (installed.code !== 0) throw new Error(installed.output)
    for (const [name, text] of Object.entries(files)) {
      await mkdir(join(debian.path, name, '..'), { recursive: true })
      await writeFile(join(debian.path, name), text)
    }
    const log = join(folder, 'console')
    const order = ['--register=no', '--keep-unit', '--private-network', '-D', debian.path, '--boot']
    nspawn = spawn('sh', ['-c', `exec systemd-nspawn ${order.join(' ')} > '${log}' 2>&1 < /dev/null`])
    const read = () => readFile(log, 'utf8').catch(() => '')
    await waitFor('the machine to boot', 60_000, async () => (await read()).includes('login:'))
    leader = (await run('pgrep', ['-P', String(nspawn.pid)])).stdout.trim()
    await inside('sh', '-c', 'install -d /srv/pxe')
  }, 900_000)
  afterAll(async () => {
    if (leader) process.kill(Number(leader), 'SIGKILL')
    await debian?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  test('starts with the package, ready when the power is guarded, as a user that may do little', async () => {
    expect(await inside('dpkg', '--install', '/root/one.deb')).toContain('Setting up caretaker (0.1.0)')
    await inside('sh', '-c', 'chown caretaker /srv/pxe; systemctl restart caretaker')
    expect(await property('ActiveState')).toBe('active')
    expect(await property('StatusText')).toBe('guards the power')
    await waitFor('it to guard the power', 5_000, guards)
    expect(await inside('systemd-analyze', 'verify', 'caretaker.service')).toBe('')
    const exposure = await inside('systemd-analyze', 'security', '--no-pager', 'caretaker.service')
    expect(Number(/exposure level for caretaker\.service: ([\d.]+)/.exec(exposure)?.[1])).toBeLessThanOrEqual(2)
    // Its own store, and nobody else's.
    expect(await inside('pgrep', '-u', 'caretaker', '-a')).toContain('queue.sock')
  })

  test('is restarted when it hangs, and guards the power again within 15 s', async () => {
    const pid = await property('MainPID')
    const stoppedAt = performance.now()
    await inside('kill', '-STOP', pid)
    await waitFor('another process', 15_000, async () => !['0', pid].includes(await property('MainPID')), 100)
    await waitFor('it to guard the power', 15_000, guards, 100)
    const took = performance.now() - stoppedAt
    console.log(`guarded again after ${(took / 1_000).toFixed(1)} s`)
    expect(took).toBeLessThan(15_000)
    expect(await property('NRestarts')).toBe('1')
    expect(await inside('journalctl', '-u', 'caretaker', '-o', 'cat')).toContain("Failed with result 'watchdog'")
  })

  test('lives on systemd-notify where nobody has opened the socket for it', async () => {
    const own = '[Service]\nExecStart=\nExecStart=/usr/lib/caretaker/node /usr/lib/caretaker/bin/caretaker.mjs start\n'
    const place = '/etc/systemd/system/caretaker.service.d'
    await inside('sh', '-c', `mkdir -p ${place}; printf '${own.replaceAll('\n', '\\n')}' > ${place}/own.conf`)
    await inside('sh', '-c', 'systemctl daemon-reload; systemctl restart caretaker')
    expect(await property('ActiveState')).toBe('active')
    const pid = await property('MainPID')
    // Longer than the watchdog's patience.
    await new Promise((resolve) => setTimeout(resolve, 12_000))
    expect(await property('MainPID')).toBe(pid)
    await inside('sh', '-c', `rm -r ${place}; systemctl daemon-reload; systemctl restart caretaker`)
  })

  test('takes its store down when it stops, and is not restarted over a mistake in its configuration', async () => {
    await inside('systemctl', 'stop', 'caretaker')
    expect(await property('Result')).toBe('success')
    expect(await inside('pgrep', '-u', 'caretaker')).toBe('')
    const config = '/etc/caretaker/caretaker.yaml'
    await inside('sh', '-c', `rm -rf /var/lib/caretaker/*; mv ${config} /root/; echo 'schematic: [' > ${config}`)
    expect(await inside('systemctl', 'start', 'caretaker')).toContain('failed')
    expect([await property('ExecMainStatus'), await property('NRestarts')]).toEqual(['2', '0'])
    await inside('sh', '-c', `mv /root/caretaker.yaml ${config}; systemctl start caretaker`)
    expect(await property('ActiveState')).toBe('active')
  })

  test('is upgraded with a moment’s pause, and is gone when the package is', async () => {
    expect(await inside('dpkg', '--install', '/root/two.deb')).toContain('Setting up caretaker (0.2.0)')
    await waitFor('the new one', 20_000, async () =>
      (await inside('caretaker', 'status')).startsWith('caretaker  0.2.0'),
    )
    await inside('dpkg', '--remove', 'caretaker')
    expect(await inside('pgrep', '-u', 'caretaker')).toBe('')
    await inside('dpkg', '--purge', 'caretaker')
    expect(await inside('systemctl', 'status', 'caretaker')).toContain('could not be found')
    expect(
      await inside('sh', '-c', 'ls -d /var/lib/caretaker /etc/caretaker 2>&1; getent passwd caretaker'),
    ).not.toMatch(/^\//m)
  })
})
